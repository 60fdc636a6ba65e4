using System.Text;
using Sluice.Delivery;
using Sluice.Producers;
using Sluice.Storage;

namespace Sluice.Tests.Persisted;

/// <summary>What is stored of producers: the kinds of their positions (a producer resumes only from its own kind), the bytes of the
/// positions, and the journals beside them.</summary>
public sealed class ProducerPositionTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("sluice-pins-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Lines => Path.Combine(directory.FullName, "lines.txt");

    public void Dispose() => directory.Delete(recursive: true);

    [Fact]
    public async Task APositionStoresTheKindOfItsProducer()
    {
        await File.WriteAllTextAsync(Lines, "one\ntwo\n", Cancellation);
        string files = directory.CreateSubdirectory("files").FullName;
        await File.WriteAllTextAsync(Path.Combine(files, "a.csv"), "a", Cancellation);
        await IsAsync("Source.Resumable(name, sequence)", Source.Resumable("tape", [1, 2]));
        await IsAsync("Source.Resumable(name, function)", Source.Resumable<int>("tape", static (_, _) => Positions()));
        await IsAsync("Source.ResumableLines", Source.ResumableLines("tape", Lines));
        await IsAsync("Source.ResumableLines", Source.ResumableLines("tape", Lines, static (_, line) => line.Length));
        await IsAsync("Source.ResumableLines with options", Source.ResumableLines("tape", Lines, new ResumableLinesOptions()));
        await IsAsync("Source.ResumableLines with options", Source.ResumableLines("tape", Path.Combine(directory.FullName, "*.txt"),
            new ResumableLinesOptions()));
        Assert.True(File.Exists(Path.Combine(directory.FullName, ".tape.lines")));
        await IsAsync("Source.ResumableInput", Source.ResumableInput("tape", static (_, line) => line, new StringReader("one\ntwo\n")));
        await IsAsync("Source.ResumableFiles", Source.ResumableFiles("tape", files, new() { QuietDuration = TimeSpan.Zero }));
        Assert.True(File.Exists(Path.Combine(files, ".tape.taken")));
        await IsAsync("Source.Every(name, interval, function)", Source.Every("tape", TimeSpan.FromMilliseconds(20), static tick => tick));
        await IsAsync("Source.Cron(name, expression, function)", Source.Cron("tape", "* * * * * *", static tick => tick));

        static async IAsyncEnumerable<WithPosition<int>> Positions()
        {
            await Task.Yield();
            yield return new(1, new byte[] { 1 });
        }
    }

    [Fact]
    public void PositionsHaveFixedBytes()
    {
        Assert.Equal("0700000000000000" + "0900000000000000" + "03000000" + "EFBEADDE",
            Hex(new LinePosition(7, 9, 3, 0xDEADBEEF).ToBytes()));
        Assert.Equal("02" + "0700000000000000" + "FFFFFFFFFFFFFFFF" + "09000000", Hex(new TickPosition(7, TickPosition.All, 9).ToBytes()));
        byte[] first = Convert.FromHexString("01" + "0700000000000000" + "0300000000000000");
        Assert.Equal(new TickPosition(7, 3, 0), TickPosition.Read(first, "tape"));
        var row = new byte[LogRow.Size];
        new LogRow(1, 2, 3, 4, 5, 6, 7).Write(row);
        Assert.Equal("01000000000000000000000000000000" + "0200000000000000" + "0300000000000000" + "0400" + "05000000" + "06000000"
            + "0700000000000000", Hex(row));
        using var positions = LogPositions.Open(default, journal: null);
        Assert.Equal("01" + "0000000000000000" + "0000000000000000" + "01", Hex(positions.Around(1).AsSpan(0, 18)));
    }

    /// <summary>The parts of the last item, the kind, the number of items before it, and the checksum of its payload.</summary>
    [Fact]
    public async Task ThePositionOfASequenceHasItsBytes()
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("work", static items => items.ForEach(static _ => { }), new() { Store = store });
        await consecutor.StartAsync(Cancellation);
        await (Source.Resumable("tape", [10, 20, 30]) | consecutor).RunAsync(cancellation: Cancellation);
        ProducerState stored = await store.OpenProducerAsync("work", "tape", Cancellation);
        Assert.Equal("0100000000000000" + "20" + Hex(Encoding.UTF8.GetBytes("Source.Resumable(name, sequence)")) + "0200000000000000"
            + Hex(BitConverter.GetBytes(Checksum.Of("30"u8))), Hex(stored.Position.Span));
    }

    /// <summary>The numbers of the types of key columns are their places in a list.</summary>
    [Fact]
    public void QueryPositionsHaveFixedBytes()
    {
        (object Value, string Bytes)[] values =
        [
            (1L, "00" + "01" + "6B" + "0100000000000000"),
            (1m, "01" + "01" + "6B" + "01000000000000000000000000000000"),
            (1d, "02" + "01" + "6B" + "000000000000F03F"),
            ("a", "03" + "01" + "6B" + "0161"),
            (DateTime.UnixEpoch, "04" + "01" + "6B" + "0080B5F7F57F9F08" + "01"),
            (DateTimeOffset.UnixEpoch, "05" + "01" + "6B" + "0080B5F7F57F9F08" + "0000000000000000"),
            (Guid.Empty, "06" + "01" + "6B" + "00000000000000000000000000000000"),
            (new byte[] { 7 }, "07" + "01" + "6B" + "0107"),
        ];
        foreach ((object value, string bytes) in values)
            Assert.Equal($"0101{bytes}00", Hex(new RowKeys([new("k", value)], texts: null).ToPosition([value])));
    }

    [Fact]
    public void JournalsHaveAFixedForm()
    {
        string path = Path.Combine(directory.FullName, "files");
        using (var files = FileJournal.Open(new("in", path, FileShare.None), accepted: null)) files.Add(["a\nb"]);
        Assert.Matches("^/[0-9a-f]{8} a/nb\n$", File.ReadAllText(path));
        uint sum = 0;
        Assert.Equal("/6a018708 a/nb", JournalLine.Write("a\nb", ref sum));

        path = Path.Combine(directory.FullName, "rows");
        long number;
        using (LogJournal rows = LogJournal.Open(new("in", path, LogJournal.Share), 0, 0, static _ => { }))
        {
            rows.Add([new(1, 2, 3, 4, 5, 6, 7)]);
            number = rows.Number;
        }
        byte[] bytes = File.ReadAllBytes(path);
        Assert.Equal((16 + 50 + 4, "SluLog01"), (bytes.Length, Encoding.ASCII.GetString(bytes, 0, 8)));
        using (LogJournal rows = LogJournal.Open(new("in", path, LogJournal.Share), number, 1, static _ => { })) rows.Renew([]);
        Assert.True(File.Exists($"{path}.next"));
    }

    /// <summary>A file that is written has its lock beside it, and a note in the lock: a mark until something is committed, the id of the
    /// file, and its sink. The store has the id, too.</summary>
    [Fact]
    public void AFileLockHasAFixedNameAndNote()
    {
        using (FileClaim claim = FileClaim.Take(Lines)) claim.Begin("books/csv");
        Assert.Matches("^begun\n[0-9a-f]{32}\nbooks/csv$", File.ReadAllText($"{Lines}.lock"));
        using (FileClaim claim = FileClaim.Take(Lines)) claim.Confirm();
        Assert.Matches("^known\n[0-9a-f]{32}\nbooks/csv$", File.ReadAllText($"{Lines}.lock"));
        Assert.Equal("out.csv\n12ab", KnownFile.NameOf("out.csv", "12ab"));
    }

    private static async Task IsAsync<T>(string kind, Source<T> source)
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<T>("work", static items => items.ForEach(static _ => { }), new() { Store = store });
        await consecutor.StartAsync(Cancellation);
        PipelineRun run = (source | consecutor).Start();
        while (consecutor.Snapshot().Accepted == 0) await Task.Yield();
        _ = run.CancelAsync();
        await run.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ProducerState stored = await store.OpenProducerAsync("work", "tape", Cancellation);
        byte[] position = stored.Position.ToArray();
        Assert.Equal(kind, Encoding.UTF8.GetString(position, 9, position[8]));
        await run.DisposeAsync();
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexString(bytes);
}
