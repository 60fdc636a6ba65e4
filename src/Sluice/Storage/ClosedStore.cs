namespace Sluice.Storage;

/// <summary>Explains that a store was disposed before its user, and what to do.</summary>
internal static class ClosedStore
{
    /// <param name="user">What uses the store, as in "consecutor".</param>
    /// <param name="name">The name of the user.</param>
    /// <param name="kept">The sentence about what is in the store.</param>
    /// <param name="cause">The exception of the store. If something was disposed that the store uses, it says what.</param>
    public static string Explain(string user, string name, string kept, Exception cause)
        => cause.InnerException is ObjectDisposedException { ObjectName: not "" }
        ? $"The {user} {name} has ended, because its store takes no more calls: {cause.Message} {kept}"
        : $"The store of the {user} {name} was disposed while the {user} was running, so the {user} has ended. {kept} "
        + $"Stop or dispose the {user} first, then its store.";
}

/// <summary>A store was disposed, in words that name its user. Code that expects the store's own exception catches this one, too.</summary>
internal sealed class ClosedStoreException(string message, Exception cause) : ObjectDisposedException(message, cause)
{
    /// <summary>The store (<see cref="IStreamStore.Root"/>), for code that may see exceptions of several stores; null if unknown.</summary>
    public IStreamStore? Store { get; init; }
}
