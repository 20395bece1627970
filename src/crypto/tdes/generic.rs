//! [`Tdes`] as the traits of the crate `cipher` have it, so that the crate `cmac` can
//! use it.

use des::cipher::consts::{U1, U8};
use des::cipher::{
    Block, BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, InOut,
    ParBlocksSizeUser,
};

use super::{BlockCipher, Tdes};

impl BlockSizeUser for Tdes {
    type BlockSize = U8;
}

impl ParBlocksSizeUser for Tdes {
    type ParBlocksSize = U1;
}

impl BlockCipherEncrypt for Tdes {
    fn encrypt_with_backend(&self, f: impl BlockCipherEncClosure<BlockSize = U8>) {
        f.call(self);
    }
}

impl BlockCipherEncBackend for Tdes {
    fn encrypt_block(&self, mut block: InOut<'_, '_, Block<Self>>) {
        let mut bytes = block.clone_in().into();
        BlockCipher::encrypt(self, &mut bytes);
        *block.get_out() = bytes.into();
    }
}
