namespace Sluice.Storage;

/// <summary>
/// Opens stores that are named in settings and on command lines, such as <c>sqlite:orders.db</c>. A store package has one, and names it by
/// a <see cref="StreamStoreProviderAttribute"/> of its assembly.
/// </summary>
/// <remarks>For the packages of Sluice: settings know the schemes of these packages only. For another store, open it in code
/// (<c>UseStore(open, name)</c> in Sluice.Hosting). Thread-safe, except for <see cref="OnWarning"/>, which is set first. A provider has a
/// public constructor without parameters, and keeps nothing else.</remarks>
public abstract class StreamStoreProvider
{
    /// <summary>
    /// Receives the warnings of the stores that are opened, on any thread; null for the default of the store. Set before a store is
    /// opened. A provider whose stores have warnings passes it on.
    /// </summary>
    public Action<string>? OnWarning { get; set; }

    /// <summary>Opens a store.</summary>
    /// <param name="location">The text behind the scheme and its colon, such as <c>orders.db</c>.</param>
    /// <param name="cancellation">Gives up opening.</param>
    /// <exception cref="ArgumentException">The location is malformed; the message says which form it has.</exception>
    /// <exception cref="StreamStoreException">The store cannot be opened.</exception>
    public abstract ValueTask<IStreamStore> OpenAsync(string location, CancellationToken cancellation = default);

    /// <summary>
    /// Opens a store to look at it. By default as <see cref="OpenAsync"/> does; a store that only one process can open overrides this.
    /// </summary>
    /// <param name="location">The location as given to <see cref="OpenAsync"/>.</param>
    /// <param name="cancellation">Gives up opening.</param>
    /// <exception cref="ArgumentException">The location is malformed; the message says which form it has.</exception>
    /// <exception cref="StreamStoreException">The store cannot be opened.</exception>
    public virtual ValueTask<IStreamStore> OpenReadOnlyAsync(string location, CancellationToken cancellation = default)
        => OpenAsync(location, cancellation);

    /// <summary>
    /// Opens a store for changes by an operator. By default as <see cref="OpenAsync"/> does; a store that only one process can open
    /// overrides this, and lets that process make the changes.
    /// </summary>
    /// <param name="location">The location as given to <see cref="OpenAsync"/>.</param>
    /// <param name="cancellation">Gives up opening.</param>
    /// <exception cref="ArgumentException">The location is malformed; the message says which form it has.</exception>
    /// <exception cref="StreamStoreException">The store cannot be opened.</exception>
    public virtual ValueTask<IStreamStore> OpenToChangeAsync(string location, CancellationToken cancellation = default)
        => OpenAsync(location, cancellation);

    /// <summary>Returns a location without its secrets, for logs and screens.</summary>
    /// <param name="location">The location as given to <see cref="OpenAsync"/>.</param>
    public virtual string WithoutSecrets(string location) => location;
}
