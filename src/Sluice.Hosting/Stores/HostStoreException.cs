namespace Sluice.Hosting;

/// <summary>The store of a host cannot be opened. A host logs an exception with its stack trace; this one has its message only, which
/// names the store and the remedy.</summary>
internal sealed class HostStoreException : StreamStoreException
{
    public HostStoreException(StreamStoreException cause) : base(cause.Message, cause) => IsPermanent = cause.IsPermanent;

    public override string ToString() => Message;
}

/// <summary>The store of a host is open elsewhere: as <see cref="HostStoreException"/>.</summary>
internal sealed class HostStoreInUseException : StoreInUseException
{
    public HostStoreInUseException(StoreInUseException cause) : base(cause.Message, cause) => IsPermanent = cause.IsPermanent;

    public override string ToString() => Message;
}
