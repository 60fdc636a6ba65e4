using System.Reflection;

namespace Sluice.Storage;

/// <summary>Opens stores by a text such as <c>sqlite:orders.db</c>, <c>redis:localhost:6379</c> or <c>memory</c>.</summary>
/// <remarks>
/// Thread-safe. The scheme before the first colon names the store package: <c>sqlite</c> is in <c>Sluice.Sqlite</c>, <c>redis</c> in
/// <c>Sluice.Redis</c>, <c>postgres</c> in <c>Sluice.PostgreSql</c>. Only these packages are looked for, never a type or an assembly that
/// the text names. A trimmed program has to use the package in its code as well (<c>UseSqlite</c>, <c>UseRedis</c>, <c>UsePostgres</c>),
/// because trimming removes what no code uses.
/// </remarks>
public static class StreamStores
{
    private static readonly Dictionary<string, string> Packages = new(StringComparer.Ordinal)
    {
        ["sqlite"] = "Sluice.Sqlite",
        ["redis"] = "Sluice.Redis",
        ["postgres"] = "Sluice.PostgreSql",
    };

    /// <summary>The forms that a store's text may have, for messages.</summary>
    public static string Forms => "sqlite:FILE, redis:HOST:PORT, postgres:CONNECTION or memory";

    /// <summary>Opens the store that a text names.</summary>
    /// <param name="store">The text.</param>
    /// <param name="cancellation">Gives up opening.</param>
    /// <exception cref="ArgumentException">The text has none of the forms, or its package is not referenced.</exception>
    /// <exception cref="StreamStoreException">The store cannot be opened.</exception>
    public static ValueTask<IStreamStore> OpenAsync(string store, CancellationToken cancellation = default)
        => OpenAsync(store, null, cancellation);

    /// <inheritdoc cref="OpenAsync(string, CancellationToken)"/>
    /// <param name="store">The text.</param>
    /// <param name="onWarning">Receives the warnings of the store, on any thread; null for the default of the store.</param>
    /// <param name="cancellation">Gives up opening.</param>
    public static async ValueTask<IStreamStore> OpenAsync(string store, Action<string>? onWarning, CancellationToken cancellation)
    {
        AsyncVoid.RefuseCallback(onWarning);
        if (store == "memory") return new MemoryStreamStore();
        (StreamStoreProvider provider, string location) = Find(store, onWarning);
        return await provider.OpenAsync(location, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Opens the store that a text names to look at it, also if another process has it open for writing. Calls that would change the store
    /// may be refused.
    /// </summary>
    /// <param name="store">The text.</param>
    /// <param name="cancellation">Gives up opening.</param>
    /// <exception cref="ArgumentException">The text has none of the forms, or its package is not referenced.</exception>
    /// <exception cref="StreamStoreException">The store cannot be opened.</exception>
    public static ValueTask<IStreamStore> OpenReadOnlyAsync(string store, CancellationToken cancellation = default)
        => OpenReadOnlyAsync(store, null, cancellation);

    /// <inheritdoc cref="OpenReadOnlyAsync(string, CancellationToken)"/>
    /// <param name="store">The text.</param>
    /// <param name="onWarning">Receives the warnings of the store, on any thread; null for the default of the store.</param>
    /// <param name="cancellation">Gives up opening.</param>
    public static async ValueTask<IStreamStore> OpenReadOnlyAsync(string store, Action<string>? onWarning, CancellationToken cancellation)
    {
        AsyncVoid.RefuseCallback(onWarning);
        if (store == "memory") return new MemoryStreamStore();
        (StreamStoreProvider provider, string location) = Find(store, onWarning);
        return await provider.OpenReadOnlyAsync(location, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Opens the store that a text names for changes by an operator, also if another process has it open: dead letters can be redriven and
    /// deleted, consecutors paused, drained and resumed, and items sent. Other changes may be refused then.
    /// </summary>
    /// <param name="store">The text.</param>
    /// <param name="cancellation">Gives up opening.</param>
    /// <exception cref="ArgumentException">The text has none of the forms, or its package is not referenced.</exception>
    /// <exception cref="StoreInUseException">Another process has the store open, and takes no changes.</exception>
    /// <exception cref="StreamStoreException">The store cannot be opened.</exception>
    public static ValueTask<IStreamStore> OpenToChangeAsync(string store, CancellationToken cancellation = default)
        => OpenToChangeAsync(store, null, cancellation);

    /// <inheritdoc cref="OpenToChangeAsync(string, CancellationToken)"/>
    /// <param name="store">The text.</param>
    /// <param name="onWarning">Receives the warnings of the store, on any thread; null for the default of the store.</param>
    /// <param name="cancellation">Gives up opening.</param>
    public static async ValueTask<IStreamStore> OpenToChangeAsync(string store, Action<string>? onWarning, CancellationToken cancellation)
    {
        AsyncVoid.RefuseCallback(onWarning);
        if (store == "memory") return new MemoryStreamStore();
        (StreamStoreProvider provider, string location) = Find(store, onWarning);
        return await provider.OpenToChangeAsync(location, cancellation).ConfigureAwait(false);
    }

    /// <summary>Returns the text of a store without its secrets, for logs and screens.</summary>
    /// <param name="store">The text.</param>
    public static string WithoutSecrets(string store)
    {
        ArgumentNullException.ThrowIfNull(store);
        try
        {
            if (store == "memory") return store;
            (StreamStoreProvider provider, string location) = Find(store);
            return $"{store[..store.IndexOf(':', StringComparison.Ordinal)]}:{provider.WithoutSecrets(location)}";
        }
        catch (ArgumentException)
        {
            return "a store that cannot be read";
        }
    }

    /// <summary>Says why a text names no store that this program can open, without opening it; null if it names one.</summary>
    /// <param name="store">The text.</param>
    public static string? WhyNot(string store)
    {
        try
        {
            if (store != "memory") _ = Find(store);
            return null;
        }
        catch (ArgumentException e)
        {
            int end = e.Message.IndexOf(" (Parameter", StringComparison.Ordinal);
            return end < 0 ? e.Message : e.Message[..end];
        }
    }

    private static (StreamStoreProvider Provider, string Location) Find(string store, Action<string>? onWarning = null)
    {
        ArgumentNullException.ThrowIfNull(store);
        int colon = store.IndexOf(':', StringComparison.Ordinal);
        string scheme = colon < 0 ? "" : store[..colon];
        if (!Packages.TryGetValue(scheme, out string? package) || colon == store.Length - 1)
            throw new ArgumentException($"A store is written as {Forms}; this text "
                + (store.Length == 0 ? "is empty."
                : colon < 0 ? $"has no scheme before a colon.{Hint(store)}"
                : !IsShown(scheme) ? $"begins with none of them.{Hint(store)}"
                : $"begins with '{scheme}:'{(colon == store.Length - 1 ? ", and ends there" : "")}.{Hint(store)}"), nameof(store));
        StreamStoreProvider provider = Provider(scheme, package);
        provider.OnWarning = onWarning;
        return (provider, store[(colon + 1)..]);
    }

    // In a connection string without its scheme, the first colon may be behind the password.
    private static bool IsShown(string scheme) => scheme.Length is > 0 and < 12 && scheme.All(char.IsAsciiLetterOrDigit);

    private static string Hint(string store)
        => store.Contains("host=", StringComparison.OrdinalIgnoreCase) || store.Contains("server=", StringComparison.OrdinalIgnoreCase)
            ? " Write 'postgres:' before a connection string of PostgreSQL."
            : store.Contains("password=", StringComparison.OrdinalIgnoreCase) ? " Write 'redis:' before a connection string of Redis." : "";

    private static StreamStoreProvider Provider(string scheme, string package)
    {
        try
        {
            foreach (StreamStoreProviderAttribute known in Assembly.Load(package).GetCustomAttributes<StreamStoreProviderAttribute>())
                if (known.Scheme == scheme) return (StreamStoreProvider)Activator.CreateInstance(known.Provider)!;
        }
        catch (FileNotFoundException)
        {
            // The message below says what is missing.
        }
        throw new ArgumentException(
            $"Stores of the form '{scheme}:…' are in the package {package}, which this program does not have: "
                + "reference it.", nameof(scheme));
    }
}
