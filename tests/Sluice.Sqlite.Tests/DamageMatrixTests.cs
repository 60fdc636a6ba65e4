using System.Globalization;
using Sluice.Testing;
using Sluice.Tests.Deliveries;

namespace Sluice.Sqlite.Tests;

/// <summary>
/// Each column of each kind of row changed, and each kind of row removed: a consecutor that starts over it ends as it would have, or reports the damage. It never waits silently, ends otherwise, or fails with an error
/// that is no answer. <c>SLUICE_DAMAGE=all</c> damages every row, one after the other, instead of the first and the last of each kind.
/// </summary>
public sealed class DamageMatrixTests : IDisposable
{
    // The rows that checksums and digests cover. The others: docs/guarantees.md.
    private static readonly (string Table, string Columns)[] Tables =
    [
        ("sluice_part", "epoch owner version dispatched done cseq cseq_epoch last_own rows row_bytes flying passed digest sum"),
        ("sluice_row", "seq state before alone attempts due bytes node error blob sum"),
        ("sluice_state", "part node key version value sum"),
        ("sluice_file", "name length sum"),
        ("sluice_stream", "partitions max_items max_bytes max_entry retention ended failure sum"),
        ("sluice_block", "blob chunks"),
        ("sluice_group", "stream name"),
        ("sluice_log", "tail total trimmed"),
        ("sluice_producer", "epoch last last_from position"),
        ("sluice_meta", "generation txn time recent last roots"),
    ];

    private const int MostRounds = 3000;             // of a second each; a machine that is busy needs more of them

    private readonly TempDirectory directory = new();

    public static TheoryData<string, string> Damages => [.. from table in Tables from column in (table.Columns + " *").Split(' ') select (table.Table, column)];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task ItIsHarmlessOrSaidClearly(string table, string column)
    {
        string path = directory.File("store.db");
        await FillAsync(path);
        string expected = await GoOnAsync(path, "reference");
        List<long> rows = RowsOf(path, table);
        if (Environment.GetEnvironmentVariable("SLUICE_DAMAGE") != "all" && rows.Count > 2) rows = [rows[0], rows[^1]];
        foreach (long row in rows)
        {
            string copy = Copy(path, $"{table}-{row}");
            Damage(copy, table, column, row);
            string end = await GoOnAsync(copy, $"{table}.{column} of row {row}", isDamaged: true);
            Assert.True(end == expected || end.StartsWith("said: ", StringComparison.Ordinal), $"{table}.{column} of row {row}: {end}, but without the damage: {expected}");
        }
    }

    /// <summary>A total by key, items that wait for their next attempt, letters, and a file: then a stop, and a file with everything in it.</summary>
    private async Task FillAsync(string path)
    {
        var clock = new TestClock();
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(path, Durability.Process, new() { Time = clock });
        await using Consecutor<int> consecutor = DamagedWork.Make(store, clock, fails: n => n is 5 or 6 or 7);
        await consecutor.StartAsync(Cancellation);
        for (int n = 0; n < 20; n++) await consecutor.SendAsync(n, Cancellation);
        while (consecutor.Snapshot() is not { InFlight: 0, Pending: 0 } now || now.Retrying + now.Parked == 0) await Task.Yield();
        await consecutor.StopAsync();
        await using Consecutor<int> sender = DamagedWork.Make(store, clock, fails: _ => false);
        for (int n = 20; n < 24; n++) await sender.SendAsync(n, Cancellation);
        Ownership owner = (await store.TakeAsync(new("work", "work"), 0, new("files"), Cancellation)).Ownership;
        long last = (await store.TakeAsync(new("work", "work"), 0, new("files") { ExpectedEpoch = owner.Epoch }, Cancellation)).State!.LastCommit;
        owner = owner with { Epoch = owner.Epoch + 1 };
        Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(new(owner, last + 1) { FileLengths = [new("a file", 100), new("another", 7)] }, Cancellation)).Status);
        await store.ReleaseAsync(owner, Cancellation);
    }

    /// <returns>The outcome of all items, or the reported error.</returns>
    private static async Task<string> GoOnAsync(string path, string what, bool isDamaged = false)
    {
        string copy = isDamaged ? path : $"{path}-{what}";
        if (!isDamaged) File.Copy(path, copy);
        try
        {
            var clock = new TestClock();             // shared with the store, which decides what is due
            await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(copy, Durability.Process, new() { Time = clock });
            await using Consecutor<int> consecutor = DamagedWork.Make(store, clock, fails: _ => false);
            await consecutor.StartAsync(Cancellation).WaitAsync(TimeSpan.FromMinutes(5), TimeProvider.System, Cancellation);
            ConsecutorSnapshot now = consecutor.Snapshot();
            for (int round = 0; !now.IsIdle && now.Problem is null && now.Stopped.Count == 0 && round < MostRounds; round++)
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                for (int i = 0; i < 20 && !now.IsIdle; i++, now = consecutor.Snapshot()) await store.FindGroupAsync(new("work", "work"), Cancellation);          // as quick as the store is
            }
            if (now.Problem is { } problem) return $"said: {problem}";
            if (!now.IsIdle) return $"stands still without a word: {now}";
            List<string> totals = [];
            for (int partition = 0; partition < 2; partition++)
                foreach (StateRow row in await store.ListStateAsync(new("work", "work"), partition, "totals", cancellation: Cancellation)) totals.Add($"{row.Key}={System.Text.Encoding.UTF8.GetString(row.Value!.Value.Span)}");
            string found = string.Create(CultureInfo.InvariantCulture, $"{now.Accepted} accepted, {now.Completed} completed, {now.Dead} dead; {string.Join(' ', totals.Order(StringComparer.Ordinal))}");
            return found;
        }
        catch (StreamStoreException said)
        {
            return $"said: {said.Message}";
        }
    }

    private static List<long> RowsOf(string path, string table)
    {
        using Database database = Database.Open(path);
        using Statement rows = database.Prepared($"SELECT count(*) FROM {table}");
        rows.Next();
        return [.. Enumerable.Range(0, (int)rows.Long(0)).Select(static row => (long)row)];
    }

    // Without a row id, some tables: the row with so many before it, by all columns.
    private static void Damage(string path, string table, string column, long row)
    {
        using Database database = Database.Open(path);
        string keys = table switch
        {
            "sluice_part" => "grp, part",
            "sluice_state" => "grp, part, node, key",
            "sluice_file" => "grp, part, name",
            "sluice_log" => "log",
            _ => "id",
        };
        string where = $"WHERE ({keys}) = (SELECT {keys} FROM {table} ORDER BY {keys} LIMIT 1 OFFSET {row})";
        if (column == "*") database.Execute($"DELETE FROM {table} {where}");
        else database.Execute($"UPDATE {table} SET {column} = CASE typeof({column}) WHEN 'integer' THEN {column} + {(column == "seq" ? 1000 : 1)} WHEN 'text' THEN {column} || '~' WHEN 'null' THEN 'x' ELSE CAST({column} AS BLOB) || x'01' END {where}");
    }

    private string Copy(string path, string name)
    {
        string copy = directory.File($"{name}.db");
        File.Copy(path, copy, overwrite: true);
        return copy;
    }
}
