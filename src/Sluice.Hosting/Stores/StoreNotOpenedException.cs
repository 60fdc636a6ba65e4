namespace Sluice.Hosting;

/// <summary>The store of a host cannot be opened. The cause is the store's own exception, for code that looks at its type.</summary>
internal sealed class StoreNotOpenedException(string message, StreamStoreException cause) : StreamStoreException(message, cause)
{
    /// <summary>Returns the message only. A host writes all of it: the wrong file or a second process needs no stack trace.</summary>
    public override string ToString() => Message;
}
