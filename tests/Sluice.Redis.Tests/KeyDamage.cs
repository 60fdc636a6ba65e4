using StackExchange.Redis;

namespace Sluice.Redis.Tests;

/// <summary>One change to one key.</summary>
internal sealed record KeyDamage(string Key, string What, Func<IDatabase, Task> DoAsync)
{
    private static readonly string[] Wrong = ["", "x", "-1", "0", "7", "9007199254740995", "1e300"];

    public override string ToString() => $"{Key} {What}";

    /// <summary>
    /// All changes to a database: each key is deleted or gets another type; each field, member and entry is deleted or changed.
    /// </summary>
    public static async Task<List<KeyDamage>> ListAsync(IDatabase database)
    {
        List<KeyDamage> all = [];
        foreach (string key in await KeysAsync(database))
        {
            if (key.EndsWith(":meta", StringComparison.Ordinal)) continue;           // without the meta key there is no store
            all.Add(new(key, "deleted", to => to.KeyDeleteAsync(key)));
            all.Add(new(key, "replaced by a text", to => to.StringSetAsync(key, "x")));
            switch (await database.KeyTypeAsync(key))
            {
                case RedisType.Hash:
                    foreach (HashEntry entry in await database.HashGetAllAsync(key)) AddField(all, key, entry);
                    break;
                case RedisType.SortedSet:
                    foreach (SortedSetEntry entry in await database.SortedSetRangeByRankWithScoresAsync(key))
                    {
                        all.Add(new(key, $"without {entry.Element}", to => to.SortedSetRemoveAsync(key, entry.Element)));
                        all.Add(new(key, $"with another score of {entry.Element}",
                            to => to.SortedSetAddAsync(key, entry.Element, entry.Score + 1000)));
                        all.Add(new(key, $"with x for {entry.Element}", async to =>
                        {
                            await to.SortedSetRemoveAsync(key, entry.Element);
                            await to.SortedSetAddAsync(key, "x", entry.Score);
                        }));
                    }
                    break;
                case RedisType.Unknown:
                    foreach (RedisResult entry in ((RedisResult[]?)await database.ExecuteAsync("XRANGE", key, "-", "+"))!)
                    {
                        string id = (string)((RedisResult[])entry!)[0]!;
                        all.Add(new(key, $"without {id}", to => to.ExecuteAsync("XDEL", key, id)));
                    }
                    break;
            }
        }
        return all;
    }

    /// <summary>A dump of each key of a database.</summary>
    public static async Task<Dictionary<RedisKey, byte[]>> SaveAsync(IDatabase database)
    {
        Dictionary<RedisKey, byte[]> all = [];
        foreach (string key in await KeysAsync(database)) all.Add(key, (await database.KeyDumpAsync(key))!);
        return all;
    }

    public static async Task RestoreAsync(IDatabase database, Dictionary<RedisKey, byte[]> all)
    {
        foreach (string key in await KeysAsync(database)) await database.KeyDeleteAsync(key);
        await Task.WhenAll(all.Select(one => database.KeyRestoreAsync(one.Key, one.Value)));
    }

    private static void AddField(List<KeyDamage> all, string key, HashEntry entry)
    {
        all.Add(new(key, $"without {entry.Name}", to => to.HashDeleteAsync(key, entry.Name)));
        foreach (string wrong in Wrong) all.Add(new(key, $"with {entry.Name} = '{wrong}'", to => to.HashSetAsync(key, entry.Name, wrong)));
        string[] words = ((string)entry.Value!).Split(' ');
        if (words.Length < 3 || !long.TryParse(words[0], out _)) return;
        for (int i = 0; i < words.Length; i++)
        {
            foreach (string wrong in Wrong)
            {
                string text = string.Join(' ', words.Select((word, at) => at == i ? wrong : word));
                all.Add(new(key, $"with {entry.Name} = '{text}'", to => to.HashSetAsync(key, entry.Name, text)));
            }
        }
    }

    private static async Task<string[]> KeysAsync(IDatabase database)
        => [.. ((RedisResult[]?)await database.ExecuteAsync("KEYS", "*"))!.Select(key => (string)key!).Order(StringComparer.Ordinal)];
}
