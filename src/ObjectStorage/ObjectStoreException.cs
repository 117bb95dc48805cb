namespace Framelease.ObjectStorage;

/// <summary>Why a store refused or failed; the same for every backend.</summary>
public enum ObjectStoreError
{
    /// <summary>No object with that key.</summary>
    NotFound,

    /// <summary><c>If-None-Match: *</c> and the key is taken.</summary>
    PreconditionFailed,

    /// <summary>The store is full, or over its quota.</summary>
    NoSpace,

    /// <summary>The store's credentials, or the rights of its folder, do not allow it.</summary>
    AccessDenied,

    /// <summary>The key breaks a rule of <see cref="ObjectKey"/>, or the backend cannot hold it beside the keys that are there.</summary>
    InvalidKey,

    /// <summary>More bytes than allowed.</summary>
    TooLarge,

    /// <summary>The bytes do not have the digest that the caller named.</summary>
    ChecksumMismatch,

    /// <summary>The range begins behind the end of the object.</summary>
    RangeNotSatisfiable,

    /// <summary>The store does not answer or is broken; may work later.</summary>
    Unavailable,
}

/// <summary>The one exception of object stores. The message names the key and says how to mend it.</summary>
public sealed class ObjectStoreException(ObjectStoreError error, string message, Exception? inner = null) : Exception(message, inner)
{
    public ObjectStoreError Error { get; } = error;

    /// <summary>True when the same call may succeed later without anybody's help.</summary>
    public bool IsTransient => Error == ObjectStoreError.Unavailable;
}
