using System.Text;
using Microsoft.Data.Sqlite;
using Sluice.Sqlite.Tests.Queries;
using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

/// <summary>
/// The persisted form of a store: tables, columns, indexes, the tables of sinks in other files, and file names. Renames in the code must
/// not change them.
/// </summary>
public sealed class PersistedFormTests : IDisposable
{
    private readonly TempDirectory directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task AStoreKeepsItsTablesAndIndexes()
    {
        string path = directory.File("store.db");
        await using (await SqliteStreamStore.OpenAsync(path, Durability.Process)) { }
        Assert.Equal(
        [
            "sluice_batch: name accepted ended failed closed",
            "sluice_block: id n chunks before blob",
            "sluice_chunk: id log first n bytes total blob block start length",
            "sluice_cursor: reader part next",
            "sluice_dead: id grp number part root attempts died node path error blob",
            "sluice_file: grp part name length sum",
            "sluice_group: id stream name last_dead quarantine_owner quarantine_epoch paused draining",
            "sluice_log: log tail total trimmed sum",
            "sluice_meta: id version generation txn time recent away last roots sum",
            "sluice_part: grp part epoch owner owner_version version dispatched done cseq cseq_epoch "
                + "last_own rows row_bytes flying passed digest sum",
            "sluice_producer: id stream name epoch last last_from generation part first forget position sum",
            "sluice_reader: id stream name start expires gates",
            "sluice_row: id grp part seq state before alone attempts due bytes node error blob sum",
            "sluice_state: grp part node key version value sum",
            "sluice_stream: id name partitions max_items max_bytes max_entry retention ended failure sum",
        ], Tables(path));
        Assert.Equal(
            "sluice_chunk_first sluice_dead_number sluice_producer_forget sluice_row_due "
            + "sluice_row_flying sluice_row_seq sluice_row_suspect",
            string.Join(' ', Ask(path, "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name")));
        Assert.Equal("7", Ask(path, "SELECT version FROM sluice_meta").Single());
        Assert.Equal(("sluice_", 7), (Schema.Prefix, Schema.Version));
        Assert.True(File.Exists($"{path}-lock"));
    }

    [Fact]
    public async Task ASinkInAnotherFileKeepsItsBookkeepingThere()
    {
        string path = directory.File("rows.db");
        await using var store = new MemoryStreamStore();
        await using (var consecutor = new Consecutor<int>("work", source => source
            | SqliteSink.InDatabase<int>(path, "INSERT INTO numbers VALUES(?1)", "DELETE FROM numbers WHERE n = ?1", static n => [n],
                "CREATE TABLE IF NOT EXISTS numbers(n)")
            | Stage.Named("save"), new() { Store = store, Stream = new() { Partitions = 1 } }))
        {
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAsync(7, Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
            Assert.True(File.Exists($"{path}-work.save.lock"));
        }
        Assert.Equal(["numbers: n", "sluice_sink: name number confirmed undo", "sluice_sink_row: name place row_values"], Tables(path));
        Assert.Equal("work/save", Ask(path, "SELECT name FROM sluice_sink").Single());
        Assert.Equal("01010700000000000000", Ask(path, "SELECT hex(row_values) FROM sluice_sink_row").Single());
        PartitionState state = (await store.AcquireAsync(new("work", "work"), 0, new("someone"), Cancellation)).State!;
        Assert.Equal(["save\ncommits"], state.FileLengths.Keys);
    }

    [Fact]
    public void RowValuesKeepTheirTypeTags()
        => Assert.Equal("05" + "00" + "010700000000000000" + "02000000000000F03F" + "030161" + "040109",
            Convert.ToHexString(RowValues.Write([null, 7, 1d, "a", new byte[] { 9 }])));

    /// <summary>Dead letters of a sink without a name are stored under its default name.</summary>
    [Fact]
    public void SinksKeepTheirDefaultNames()
    {
        Assert.Equal("source-1 InStore", Names(Source.From([1])
            | SqliteSink.InStore<int>("INSERT INTO numbers VALUES(?1)", static n => [n])));
        Assert.Equal("source-1 rows.db", Names(Source.From([1])
            | SqliteSink.InDatabase<int>(directory.File("rows.db"), "INSERT INTO numbers VALUES(?1)", "DELETE FROM numbers WHERE n = ?1",
                static n => [n])));

        static string Names(Pipeline pipeline) => string.Join(' ', pipeline.Topology.Nodes.Select(static node => node.Name));
    }

    [Fact]
    public async Task ThePositionOfAQueryNamesItsKindOfProducer()
    {
        await using var orders = new OrdersTable();
        orders.Add(1, 2, 3);
        await using var store = new MemoryStreamStore();
        await using (var consecutor = new Consecutor<string>("work", static items => items | (static _ => { }), new() { Store = store }))
            await (orders.ById().Take(3) | consecutor).RunAsync(cancellation: Cancellation);
        byte[] position = (await store.OpenProducerAsync("work", "orders", Cancellation)).Position.ToArray();
        Assert.Equal("Source.Query", Encoding.UTF8.GetString(position, 9, position[8]));
    }

    private static string[] Tables(string path)
        => [.. Ask(path, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
            .Select(table => $"{table}: {string.Join(' ', Ask(path, $"SELECT name FROM pragma_table_info('{table}') ORDER BY cid"))}")];

    private static List<string> Ask(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        using SqliteDataReader reader = command.ExecuteReader();
        List<string> found = [];
        while (reader.Read()) found.Add(reader.GetString(0));
        return found;
    }
}
