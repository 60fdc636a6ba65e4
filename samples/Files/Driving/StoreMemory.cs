using System.Globalization;
using Files.Services;
using StackExchange.Redis;

namespace Files.Driving;

/// <summary>How much room a store takes, as far as it can be asked: of a Redis server all that it has in memory, also what others keep
/// there; of SQLite the file.</summary>
internal sealed class StoreMemory : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(3);          // the client knows no limit of its own

    private readonly StoreChoice store;
    private readonly ConnectionMultiplexer? redis;

    private StoreMemory(StoreChoice store, ConnectionMultiplexer? redis) => (this.store, this.redis) = (store, redis);

    public static async Task<StoreMemory> OpenAsync(StoreChoice store)
    {
        if (store.Kind != StoreKind.Redis) return new(store, null);
        string words = string.Join(',', store.Where.Split(',')
            .Where(word => !word.TrimStart().StartsWith("prefix=", StringComparison.OrdinalIgnoreCase)));
        ConfigurationOptions options = ConfigurationOptions.Parse(words);
        (options.AbortOnConnectFail, options.AllowAdmin) = (false, true);
        return new(store, await ConnectionMultiplexer.ConnectAsync(options));
    }

    /// <returns>In bytes; zero if that is not known.</returns>
    public async Task<long> AskAsync()
    {
        if (store.Kind == StoreKind.Sqlite) return new[] { store.Where, $"{store.Where}-wal" }.Where(File.Exists)
            .Sum(file => new FileInfo(file).Length);
        if (redis is null) return 0;
        try
        {
            long used = 0;
            foreach (var end in redis.GetEndPoints())
            {
                var parts = await redis.GetServer(end).InfoAsync("memory").WaitAsync(Longest);
                if (parts.SelectMany(part => part).FirstOrDefault(line => line.Key == "used_memory").Value is { } text)
                    used = Math.Max(used, long.Parse(text, CultureInfo.InvariantCulture));
            }
            return used;
        }
        catch (Exception failure) when (failure is RedisException or TimeoutException)
        {
            return 0;                                // it is away; the flow waits for it, and so does this
        }
    }

    public void Dispose() => redis?.Dispose();
}
