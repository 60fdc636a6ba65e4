using Sluice.Flows;
using Sluice.Hosting;

namespace Sluice.Sqlite;

/// <summary>Configures the SQLite store for services in a container.</summary>
public static class SqliteFlows
{
    /// <summary>Uses a store in a file, for all services of one process.</summary>
    /// <param name="options">The options to configure.</param>
    /// <param name="path">The file, created if it does not exist. Only one process can open it at a time.</param>
    /// <param name="durability">
    /// <see cref="Durability.Process"/> or <see cref="Durability.Power"/>; by default <see cref="Durability.Power"/>.
    /// </param>
    /// <param name="store">The options of the store.</param>
    public static SluiceOptions UseSqlite(this SluiceOptions options, string path, Durability? durability = null,
        SqliteStoreOptions? store = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        StorePath.Check(path);
        return options.UseStore(async cancellation => await SqliteStreamStore.OpenAsync(path, durability ?? Durability.Power, store,
            cancellation).ConfigureAwait(false), $"sqlite:{path}");
    }
}
