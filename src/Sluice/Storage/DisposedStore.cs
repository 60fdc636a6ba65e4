namespace Sluice.Storage;

/// <summary>The error of a call to a store that was disposed. With the name of an object its message would have two lines.</summary>
/// <remarks>The other stores have the same file.</remarks>
internal static class DisposedStore
{
    /// <param name="store">The store as it is known to the user: its file or its server.</param>
    /// <param name="cause">What the call was told; null if it had not begun.</param>
    public static ObjectDisposedException Error(string store, Exception? cause = null) => new(
        $"The store {store} was disposed, and takes no more calls. Dispose it last, after the consecutors and supervisors that use it.",
        cause);
}
