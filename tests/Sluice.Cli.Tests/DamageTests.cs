using System.Text;
using System.Text.Json;
using Sluice.Samples.Tests;
using Sluice.Sqlite;
using Sluice.Storage;
using SQLitePCL;

namespace Sluice.Cli.Tests;

/// <summary>Damage in a store hides what is damaged, and nothing else.</summary>
public sealed class DamageTests : CliTestBase
{
    private const string Store = "sqlite:orders.db";

    [Fact]
    public async Task ADamagedEntryHidesNoOther()
    {
        await using (SqliteStreamStore store = await OpenAsync())
        {
            await store.OpenStreamAsync("prices", new() { Partitions = 2 }, Cancellation);
            using var batch = new EntryBatch();
            foreach (string text in (string[])["first", "second", "third", "fourth", "fifth"])
                batch.Add(Encoding.UTF8.GetBytes($"the {text} price"), EntryKey.Of("a"));
            batch.Add("another partition"u8, EntryKey.Of("d"));
            await store.AppendAsync(new("prices", "sender", 0, 1, batch), Cancellation);
            await store.EndStreamAsync("prices", StreamEnd.Complete, Cancellation);
        }
        await FlipAsync("the fourth price");

        foreach (string[] options in (string[][])[[], ["--follow"]])
        {
            Ended ended = await RunAsync(["show", Store, "prices", .. options]);
            Assert.Equal((1, ""), (ended.ExitCode, ended.Errors));
            foreach (string text in (string[])["first", "second", "third", "fifth"])
                Assert.Contains($"the {text} price", ended.Output, StringComparison.Ordinal);
            Assert.Contains("another partition", ended.Output, StringComparison.Ordinal);
            Assert.Matches(@"(?m)^prices/\d/4  \(damaged in the store; 'sluice check' says how\)$", ended.Output);
        }
        Ended json = await RunAsync("show", Store, "prices", "--key", "a", "--json");
        string[] lines = json.Output.TrimEnd('\n').Split('\n');
        Assert.Equal((1, 5), (json.ExitCode, lines.Length));
        using JsonDocument damaged = JsonDocument.Parse(lines[3]);
        Assert.Equal((true, 4, JsonValueKind.Null), (damaged.RootElement.GetProperty("isDamaged").GetBoolean(),
            damaged.RootElement.GetProperty("sequence").GetInt32(), damaged.RootElement.GetProperty("time").ValueKind));
    }

    [Theory]
    [InlineData("streams", "orders")]
    [InlineData("dead", "orders")]
    [InlineData("members", "no members")]
    [InlineData("top", "orders")]
    public async Task ADamagedStreamHidesNoOther(string command, string shown)
    {
        await using (SqliteStreamStore store = await OpenAsync())
        {
            await FillAsync(store, "twelve");
            await store.OpenStreamAsync("prices", null, Cancellation);
        }
        Execute("UPDATE sluice_stream SET max_items = max_items - 1 WHERE name = 'prices'");
        Ended ended = await RunAsync(command, Store);
        Assert.Equal(1, ended.ExitCode);
        Assert.Contains(shown, ended.Output, StringComparison.Ordinal);
        Assert.StartsWith("sluice: The stream prices is left out: ", Assert.Single(ended.Errors.TrimEnd('\n').Split('\n')),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("flows", "no runs of flows")]
    [InlineData("graph", "no flows: ")]
    public async Task ADamagedRunIsNoRunThatNobodyMisses(string command, string shown)
    {
        await using (SqliteStreamStore store = await OpenAsync()) await store.OpenStreamAsync("flow/one", null, Cancellation);
        Execute("UPDATE sluice_stream SET max_items = max_items - 1 WHERE name = 'flow/one'");
        Ended ended = await RunAsync(command, Store);
        Assert.Equal(1, ended.ExitCode);
        Assert.StartsWith(shown, ended.Output, StringComparison.Ordinal);
        Assert.StartsWith("sluice: The run one is left out: ", Assert.Single(ended.Errors.TrimEnd('\n').Split('\n')),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("streams")]
    [InlineData("flows")]
    [InlineData("graph")]
    public async Task ADamagedStoreIsNoEmptyOne(string command)
    {
        await using (SqliteStreamStore store = await OpenAsync())
            foreach (string run in (string[])["one", "two", "three"]) await store.OpenStreamAsync($"flow/{run}", null, Cancellation);
        byte[] file = await File.ReadAllBytesAsync(StorePath, Cancellation);
        const int PageSize = 4096;
        file.AsSpan((RootPageOf("sluice_log") - 1) * PageSize, PageSize).Fill(0x5a);
        await File.WriteAllBytesAsync(StorePath, file, Cancellation);
        await MistakeAsync(3, command, Store);
    }

    [Fact]
    public async Task AFileThatIsTooDamagedForACheckIsDamagedAndNotUnreachable()
    {
        await using (SqliteStreamStore store = await OpenAsync()) await FillAsync(store, "twelve");
        byte[] file = await File.ReadAllBytesAsync(StorePath, Cancellation);
        int failed = 0;
        for (int page = 4096; page < file.Length; page += 4096)
        {
            byte[] damaged = [.. file];
            for (int at = page + 8; at < page + 40; at++) damaged[at] ^= 0x5a;
            await File.WriteAllBytesAsync(StorePath, damaged, Cancellation);
            Ended ended = await RunAsync("check", Store);
            Assert.True(ended.ExitCode is 0 or 1, $"{ended.ExitCode}: {ended.Errors}");
            Assert.DoesNotContain("CheckAsync", ended.Errors, StringComparison.Ordinal);
            if (ended.Errors.Length > 0) failed++;
        }
        Assert.NotEqual(0, failed);                  // the check could not even begin
    }

    private int RootPageOf(string table)
    {
        Batteries_V2.Init();
        Assert.Equal(raw.SQLITE_OK, raw.sqlite3_open(StorePath, out sqlite3 database));
        using (database)
        {
            Assert.Equal(raw.SQLITE_OK, raw.sqlite3_prepare_v2(database, $"SELECT rootpage FROM sqlite_schema WHERE name = '{table}'",
                out sqlite3_stmt query));
            using (query)
            {
                Assert.Equal(raw.SQLITE_ROW, raw.sqlite3_step(query));
                return raw.sqlite3_column_int(query, 0);
            }
        }
    }

    private Task<SqliteStreamStore> OpenAsync() => SqliteStreamStore.OpenAsync(StorePath, Durability.Process).AsTask();

    private async Task FlipAsync(string text)
    {
        byte[] file = await File.ReadAllBytesAsync(StorePath, Cancellation), bytes = Encoding.UTF8.GetBytes(text);
        for (int at = 0, next; (next = file.AsSpan(at).IndexOf(bytes)) >= 0; at += next + 1) file[at + next + 1] ^= 1;
        await File.WriteAllBytesAsync(StorePath, file, Cancellation);
    }
}
