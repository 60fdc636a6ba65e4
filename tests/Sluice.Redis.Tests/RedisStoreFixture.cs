using Sluice.Storage;
using Sluice.Testing;
using StackExchange.Redis;

namespace Sluice.Redis.Tests;

/// <summary>A store with its own prefix on the shared server or cluster. A kill cuts its connection.</summary>
internal sealed class RedisStoreFixture(string address, bool timeStands = false) : StreamStoreFixture
{
    private readonly string prefix = SharedServer.NewPrefix();

    private readonly PassedTime time = new(timeStands);

    /// <summary><c>./test --long</c> kills at each call.</summary>
    public override int KillStride => Repetitions.Of(4, all: 1);

    public override async ValueTask<IStreamStore> OpenAsync(TimeProvider clock)
        => await RedisStreamStore.ConnectAsync(address,
            Patient.Options with { Time = clock, Prefix = prefix, ServerTime = () => time.Now });

    public override ValueTask KillAsync(IStreamStore store) => store.DisposeAsync();

    /// <summary>Changes a bit of the payload, in its chunk or in its row.</summary>
    public override async ValueTask<bool> DamageAsync(string stream, int partition, long sequence, ReadOnlyMemory<byte> payload)
    {
        using ConnectionMultiplexer connection = await ConnectAsync();
        IDatabase database = connection.GetDatabase();
        bool isDamaged = false;
        foreach (RedisKey chunks in ((RedisKey[]?)await database.ExecuteAsync("KEYS", $"{{{prefix}}}:s:{stream}#*:{partition}"))!)
        {
            var all = ((RedisResult[]?)await database.ExecuteAsync("XRANGE", chunks, "-", "+"))!;
            if (Array.FindIndex(all, chunk => Flip(Records(chunk), payload)) is not (>= 0 and var damaged)) continue;
            await RewriteAsync(database, chunks, all, damaged, payload);
            isDamaged = true;
        }
        foreach (RedisKey rows in ((RedisKey[]?)await database.ExecuteAsync("KEYS", $"{{{prefix}}}:y:{stream}#*:{partition}"))!)
            foreach (HashEntry row in await database.HashGetAllAsync(rows))
            {
                byte[] packed = row.Value!;
                if (!Flip(packed, payload)) continue;
                await database.HashSetAsync(rows, row.Name, packed);
                isDamaged = true;
            }
        foreach (RedisKey letters in ((RedisKey[]?)await database.ExecuteAsync("KEYS", $"{{{prefix}}}:d:*"))!)
            isDamaged |= await DamageLetterAsync(database, letters, payload);
        return isDamaged;
    }

    private static async Task<bool> DamageLetterAsync(IDatabase database, RedisKey key, ReadOnlyMemory<byte> payload)
    {
        StreamEntry[] all = await database.StreamRangeAsync(key);
        byte[][] letters = [.. all.Select(static letter => (byte[])letter.Values[0].Value!)];
        if (!letters.Any(letter => Flip(letter, payload))) return false;
        await database.KeyDeleteAsync(key);
        for (int i = 0; i < all.Length; i++) await database.StreamAddAsync(key, all[i].Values[0].Name, letters[i], all[i].Id);
        return true;
    }

    /// <summary>Deletes the chunk that contains the entry.</summary>
    public override async ValueTask<bool> DeleteAsync(string stream, int partition, long sequence, ReadOnlyMemory<byte> payload)
    {
        using ConnectionMultiplexer connection = await ConnectAsync();
        IDatabase database = connection.GetDatabase();
        bool isDeleted = false;
        foreach (RedisKey chunks in ((RedisKey[]?)await database.ExecuteAsync("KEYS", $"{{{prefix}}}:s:{stream}#*:{partition}"))!)
            foreach (RedisResult chunk in ((RedisResult[]?)await database.ExecuteAsync("XRANGE", chunks, "-", "+"))!)
            {
                if (!Flip(Records(chunk), payload)) continue;
                await database.ExecuteAsync("XDEL", chunks, Id(chunk));
                isDeleted = true;
            }
        return isDeleted;
    }

    private async Task<ConnectionMultiplexer> ConnectAsync()
    {
        Target target = await new Route(ServerAddress.Parse(address), Patient.Options with { Prefix = prefix }).FindAsync(default);
        target.Options.ConnectTimeout = target.Options.SyncTimeout = target.Options.AsyncTimeout = 60_000;
        return await ConnectionMultiplexer.ConnectAsync(target.Options);
    }

    // Redis cannot insert into a stream, so all entries are written again.
    private static async Task RewriteAsync(IDatabase database, RedisKey key, RedisResult[] chunks, int damaged,
        ReadOnlyMemory<byte> payload)
    {
        await database.KeyDeleteAsync(key);
        for (int i = 0; i < chunks.Length; i++)
        {
            var fields = (RedisValue[])((RedisResult[])chunks[i]!)[1]!;
            byte[] records = fields[5]!;
            if (i == damaged) Flip(records, payload);
            await database.ExecuteAsync("XADD", key, Id(chunks[i]), fields[0], fields[1], fields[2], fields[3], fields[4], records);
        }
    }

    private static string Id(RedisResult chunk) => (string)((RedisResult[])chunk!)[0]!;

    private static byte[] Records(RedisResult chunk) => ((RedisValue[])((RedisResult[])chunk!)[1]!)[5]!;

    private static bool Flip(byte[] bytes, ReadOnlyMemory<byte> payload)
    {
        int at = bytes.AsSpan().IndexOf(payload.Span);
        if (at >= 0) bytes[at] ^= 1;
        return at >= 0;
    }

    public override ValueTask PassTimeAsync(TestClock clock, TimeSpan span)
    {
        time.Pass(span);
        return base.PassTimeAsync(clock, span);
    }
}
