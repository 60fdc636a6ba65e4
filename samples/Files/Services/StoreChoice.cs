using Sluice;
using Sluice.Redis;
using Sluice.Sqlite;
using Sluice.Storage;

namespace Files.Services;

/// <summary>What <c>--store</c> asks for.</summary>
/// <param name="Kind">Which store.</param>
/// <param name="Where">The file, or the connection string; empty for the one in memory.</param>
internal sealed record StoreChoice(StoreKind Kind, string Where)
{
    private const string Sqlite = "sqlite:";
    private const string Redis = "redis:";

    /// <summary>Whether several processes can share it; the others have one owner.</summary>
    public bool IsShared => Kind == StoreKind.Redis;

    /// <summary>Where it is, for people: without a password, if the connection string has one.</summary>
    public string Place => Kind switch
    {
        StoreKind.Memory => "the store in memory",
        StoreKind.Sqlite => Where,
        _ => $"the Redis server at {string.Join(", ", Where.Split(',').Where(word => !word.Contains('=')))}",
    };

    /// <exception cref="UserMistake">It is none of them.</exception>
    public static StoreChoice Parse(string text)
    {
        if (text == "memory") return new(StoreKind.Memory, "");
        if (text.StartsWith(Redis, StringComparison.Ordinal) && text.Length > Redis.Length)
            return new(StoreKind.Redis, text[Redis.Length..]);
        if (!text.StartsWith(Sqlite, StringComparison.Ordinal) || text.Length == Sqlite.Length)
            throw new UserMistake($"--store must be memory, sqlite:FILE or redis:HOST:PORT, not \"{text}\".");
        string path = Path.GetFullPath(text[Sqlite.Length..]);
        if (Directory.Exists(path)) throw new UserMistake($"--store {path} is a directory: name a file.");
        if (!Directory.Exists(Path.GetDirectoryName(path))) throw new UserMistake($"--store {path}: its directory does not exist.");
        return new(StoreKind.Sqlite, path);
    }

    /// <exception cref="StreamStoreException">It cannot be opened: says why.</exception>
    /// <exception cref="UserMistake">What it was asked for by makes no sense.</exception>
    public async ValueTask<IStreamStore> OpenAsync(CancellationToken cancellation)
    {
        try
        {
            return Kind switch
            {
                StoreKind.Memory => new MemoryStreamStore(),
                // What is done is done again at worst: the power may fail.
                StoreKind.Sqlite => await SqliteStreamStore.OpenAsync(Where, Durability.Process, cancellation: cancellation),
                // The driver reports a server that does not answer, once for all processes.
                _ => await RedisStreamStore.ConnectAsync(Where, new() { Prefix = "files", OnWarning = static _ => { } }, cancellation),
            };
        }
        catch (ArgumentException mistake)
        {
            throw new UserMistake($"--store: {mistake.Message}", mistake);
        }
    }

    public override string ToString() => Kind switch
    {
        StoreKind.Memory => "memory",
        StoreKind.Sqlite => Sqlite + Where,
        _ => Redis + Where,
    };
}

/// <summary>The kinds of stores.</summary>
internal enum StoreKind
{
    /// <summary>In the memory of this process.</summary>
    Memory,

    /// <summary>In a file, which one process has.</summary>
    Sqlite,

    /// <summary>On a Redis server.</summary>
    Redis,
}
