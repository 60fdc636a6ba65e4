using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Sqlite.Tests;

/// <summary>A store file in this process. A kill abandons the store without closing it.</summary>
internal sealed class SqliteStoreFixture(Durability durability, int recentBlocks = 256) : StreamStoreFixture
{
    private readonly TempDirectory directory = new();
    private Database? watcher;

    /// <summary>The number of transactions before whose end something was stored since the previous transaction.</summary>
    public int Early { get; private set; }

    /// <summary><c>./test --long</c> kills at each call.</summary>
    public override int KillStride => Repetitions.Of(4, all: 1);

    public override async ValueTask<IStreamStore> OpenAsync(TimeProvider time)
    {
        SqliteStreamStore store = await SqliteStreamStore.OpenAsync(directory.File("store.db"), durability,
            new() { Time = time, RecentBlocks = recentBlocks });
        watcher?.Dispose();
        Database another = watcher = Database.Open(directory.File("store.db"), readOnly: true);
        string? seen = Version();
        store.Probe = hasEnded =>
        {
            string? found = Version();
            if (!hasEnded && found != seen) Early++;
            seen = found;
        };
        return store;

        // This number changes when another connection has stored something.
        string? Version() => another.Ask("PRAGMA data_version");
    }

    public override ValueTask KillAsync(IStreamStore store) => ((SqliteStreamStore)store).AbandonAsync();

    /// <summary>Changes a bit of the payload in its block, chunk or row.</summary>
    public override ValueTask<bool> DamageAsync(string stream, int partition, long sequence, ReadOnlyMemory<byte> payload)
        => Change(payload, static (database, table, id, blob, at) =>
        {
            blob[at] ^= 1;
            using Statement change = database.Prepared($"UPDATE {table} SET blob = ? WHERE id = ?");
            change.Put(blob).Put(id).Run();
        }, "sluice_block", "sluice_chunk", "sluice_row", "sluice_dead");

    /// <summary>Removes the block or the chunk that contains the entry.</summary>
    public override ValueTask<bool> DeleteAsync(string stream, int partition, long sequence, ReadOnlyMemory<byte> payload)
        => Change(payload, static (database, table, id, _, _) => database.Execute($"DELETE FROM {table} WHERE id = {id}"), "sluice_block",
        "sluice_chunk");

    private ValueTask<bool> Change(ReadOnlyMemory<byte> payload, Action<Database, string, long, byte[], int> change, params string[] tables)
    {
        using Database database = Database.Open(directory.File("store.db"));
        bool isDamaged = false;
        foreach (string table in tables)
        {
            using Statement find = database.Prepared($"SELECT id, blob FROM {table}");
            List<(long Id, byte[] Blob)> found = [];
            while (find.Next()) found.Add((find.Long(0), find.Bytes(1)));
            foreach ((long id, byte[] blob) in found)
            {
                int at = blob.AsSpan().IndexOf(payload.Span);
                if (at < 0) continue;
                change(database, table, id, blob, at);
                isDamaged = true;
            }
        }
        return ValueTask.FromResult(isDamaged);
    }

    public override ValueTask DisposeAsync()
    {
        watcher?.Dispose();
        directory.Dispose();
        return base.DisposeAsync();
    }
}
