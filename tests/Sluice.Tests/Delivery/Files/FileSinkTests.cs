using System.Text;
using Sluice.Delivery;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>The file sink alone, over a dictionary as its store: each place where a process can die, and each state of the file at a
/// start.</summary>
public sealed class FileSinkTests : IDisposable
{
    private const string Header = "name\n";

    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("files-");
    private readonly Dictionary<string, long> stored = new(StringComparer.Ordinal);

    private string FilePath => Path.Combine(directory.FullName, "out.csv");

    public void Dispose() => directory.Delete(recursive: true);

    // 0: before Prepare; 1: bytes are written, complete or cut anywhere; 2: committed, but the answer is lost; 3: after all steps.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task EachLineIsWrittenOnceWhereverTheProcessDies(int step)
    {
        string[][] batches = [["a", "b"], ["cc"], [.. Enumerable.Range(0, 40_000).Select(n => $"line {n}")], ["last"]];
        string expected = Header + string.Concat(batches.SelectMany(batch => batch).Select(line => line + "\n"));
        for (int deadly = 0; deadly < batches.Length; deadly++)
        {
            for (int written = 0; written <= (step == 1 ? 4 : 0); written++)
            {
                stored.Clear();
                File.Delete(FilePath);
                FileSink sink = await BeginAsync();
                for (int i = 0; i < batches.Length; i++)
                {
                    if (i == deadly) sink = await DieAsync(sink, batches[i], step, written);
                    else await CommitAsync(sink, batches[i]);
                }
                await sink.End();
                Assert.Equal(expected, await File.ReadAllTextAsync(FilePath));
                Assert.Equal(expected.Length, stored.Values.Single());
            }
        }
    }

    [Fact]
    public async Task ADirectoryIsRefused()
    {
        Directory.CreateDirectory(FilePath);
        var failure = await Assert.ThrowsAsync<IOException>(BeginAsync);
        Assert.Equal($"{FilePath} is a directory, so no sink can write it. Name a file.", failure.Message);
    }

    [Fact]
    public async Task AVoidedCommitLeavesNoBytesAndTheNextCommitSucceeds()
    {
        FileSink sink = await BeginAsync();
        await CommitAsync(sink, ["a"]);
        SinkCommit<byte[]> commit = Commit(["lost"], new(0));
        await sink.Prepare(commit, default);
        await sink.Finish(commit, false, default);
        Assert.Equal(Header + "a\n", await File.ReadAllTextAsync(FilePath));
        await CommitAsync(sink, ["b"]);
        await sink.End();
        Assert.Equal(Header + "a\nb\n", await File.ReadAllTextAsync(FilePath));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(null)]
    public async Task AFileShorterThanItsCommittedLengthIsAnErrorAtTheStart(int? length)
    {
        FileSink sink = await BeginAsync();
        await CommitAsync(sink, ["a", "b"]);
        await sink.End();
        if (length is { } bytes) using (FileStream file = File.OpenWrite(FilePath)) file.SetLength(bytes);
        else File.Delete(FilePath);

        var failure = await Assert.ThrowsAsync<InvalidDataException>(BeginAsync);
        Assert.Contains(length is null ? $"{FilePath} is not there, and 9 bytes of it are committed"
            : $"{FilePath} has {length} bytes, and 9 are committed", failure.Message, StringComparison.Ordinal);
        Assert.Contains("give the node another name", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFileThatIsCutOrGrowsWhileItIsWrittenStopsTheCommits()
    {
        FileSink sink = await BeginAsync();
        await CommitAsync(sink, ["a", "b"]);
        await File.AppendAllTextAsync(FilePath, "somebody else");
        var longer = await Assert.ThrowsAsync<InvalidDataException>(() => CommitAsync(sink, ["c"]));
        Assert.Contains("another program writes to it", longer.Message, StringComparison.Ordinal);
        Assert.EndsWith("somebody else", await File.ReadAllTextAsync(FilePath), StringComparison.Ordinal);
        using (FileStream file = new(FilePath, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) file.SetLength(4);
        var shorter = await Assert.ThrowsAsync<InvalidDataException>(() => CommitAsync(sink, ["c"]));
        Assert.Contains("it was cut, or replaced by another", shorter.Message, StringComparison.Ordinal);
        await sink.End();
    }

    [Theory]
    [InlineData("moved")]
    [InlineData("deleted")]
    [InlineData("rotated")]
    public async Task AMovedOrDeletedFileStopsTheCommitsUntilItIsBack(string how)
    {
        FileSink sink = await BeginAsync();
        await CommitAsync(sink, ["a", "b"]);
        string copy = FilePath + ".1";
        if (how == "deleted") File.Copy(FilePath, copy);
        if (how == "deleted") File.Delete(FilePath);
        else File.Move(FilePath, copy);
        if (how == "rotated") await File.WriteAllTextAsync(FilePath, "");
        SinkCommit<byte[]> commit = Commit(["c"], new(0));
        var failure = await Assert.ThrowsAsync<InvalidDataException>(() => sink.Prepare(commit, default).AsTask());
        Assert.Contains(how == "rotated" ? $"{FilePath} has 0 bytes, and 9 are committed"
            : $"{FilePath} is not there, and 9 bytes of it are committed", failure.Message, StringComparison.Ordinal);
        await sink.Finish(commit, false, default);
        Assert.Equal(how == "rotated", File.Exists(FilePath));
        File.Move(copy, FilePath, overwrite: true);
        await CommitAsync(sink, ["c"]);
        await sink.End();
        Assert.Equal(Header + "a\nb\nc\n", await File.ReadAllTextAsync(FilePath));
    }

    [Fact]
    public async Task BytesOfAVoidedCommitAreCutWhenTheMovedFileIsBack()
    {
        FileSink sink = await BeginAsync();
        await CommitAsync(sink, ["a"]);
        SinkCommit<byte[]> commit = Commit(["lost"], new(0));
        await sink.Prepare(commit, default);
        File.Move(FilePath, FilePath + ".1");
        await sink.Finish(commit, false, default);
        File.Move(FilePath + ".1", FilePath);
        await CommitAsync(sink, ["b"]);
        await sink.End();
        Assert.Equal(Header + "a\nb\n", await File.ReadAllTextAsync(FilePath));
    }

    [Fact]
    public async Task AMissingDirectoryIsNamedInTheError()
    {
        string missing = Path.Combine(directory.FullName, "nodir");
        var failure = await Assert.ThrowsAsync<DirectoryNotFoundException>(
            () => new FileSink(Path.Combine(missing, "out.csv"), [], replace: false).Begin(State(), default).AsTask());
        Assert.Contains($"The directory of {Path.Combine(missing, "out.csv")} does not exist", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFileThatCannotBeLockedIsNamedInTheError()
    {
        Directory.CreateDirectory(FilePath + ".lock");
        var failure = await Assert.ThrowsAsync<UnauthorizedAccessException>(BeginAsync);
        Assert.Contains($"{FilePath} cannot be written by this user: the sink also makes {FilePath}.lock", failure.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFileUnknownToTheStoreIsRefusedUnlessReplaceIsSet()
    {
        await File.WriteAllTextAsync(FilePath, "precious");
        var failure = await Assert.ThrowsAsync<InvalidDataException>(BeginAsync);
        Assert.Contains("knows nothing", failure.Message, StringComparison.Ordinal);
        Assert.Contains("the node csv had another name before", failure.Message, StringComparison.Ordinal);
        Assert.Equal("precious", await File.ReadAllTextAsync(FilePath));

        FileSink sink = await BeginAsync(replace: true);
        await CommitAsync(sink, ["a"]);
        await sink.End();
        Assert.Equal(Header + "a\n", await File.ReadAllTextAsync(FilePath));
        stored.Clear();                              // another store
        await Assert.ThrowsAsync<InvalidDataException>(BeginAsync);
    }

    [Fact]
    public async Task ASecondSinkOnTheSameFileIsRefusedAndTouchesNothing()
    {
        FileSink first = await BeginAsync();
        await CommitAsync(first, ["a"]);
        var failure = await Assert.ThrowsAsync<IOException>(BeginAsync);
        Assert.Contains($"{FilePath}.lock is locked", failure.Message, StringComparison.Ordinal);
        await CommitAsync(first, ["b"]);
        await first.End();
        await (await BeginAsync()).End();
    }

    [Fact]
    public async Task ANodeThatIsGivenAnotherFileIsRefusedWithTheNameOfItsOwnFile()
    {
        FileSink sink = await BeginAsync();
        await CommitAsync(sink, ["a"]);
        await sink.End();
        FileSink renamed = new(Path.Combine(directory.FullName, "other.csv"), [], replace: true);
        var failure = await Assert.ThrowsAsync<InvalidDataException>(() => renamed.Begin(State(), default).AsTask());
        Assert.Contains("has written out.csv so far, 7 bytes", failure.Message, StringComparison.Ordinal);
    }

    private async Task<FileSink> DieAsync(FileSink sink, string[] batch, int step, int written)
    {
        var parts = new CommitParts(0);
        if (step > 0)
        {
            long before = new FileInfo(FilePath).Length;
            SinkCommit<byte[]> commit = Commit(batch, parts);
            await sink.Prepare(commit, default);
            if (step == 3) await sink.Finish(commit, true, default);
            await sink.End();                   // lets go of the file, as the end of the process does, and does nothing else
            if (step == 1)
            {
                using FileStream file = File.OpenWrite(FilePath);
                file.SetLength(before + ((file.Length - before) * written / 4));
            }
        }
        else await sink.End();
        if (step > 1) foreach (FileLength file in parts.FileLengths) stored[file.Name] = file.Length;
        sink = await BeginAsync();
        if (step <= 1) await CommitAsync(sink, batch);
        return sink;
    }

    private Task<FileSink> BeginAsync() => BeginAsync(replace: false);

    private async Task<FileSink> BeginAsync(bool replace)
    {
        var sink = new FileSink(FilePath, Encoding.UTF8.GetBytes(Header), replace);
        try
        {
            await sink.Begin(State(), default);
            return sink;
        }
        catch
        {
            await sink.End();
            throw;
        }
    }

    private async Task CommitAsync(FileSink sink, string[] lines)
    {
        var parts = new CommitParts(0);
        SinkCommit<byte[]> commit = Commit(lines, parts);
        await sink.Prepare(commit, default);
        foreach (FileLength file in parts.FileLengths) stored[file.Name] = file.Length;
        await sink.Finish(commit, true, default);
    }

    private SinkState State() => new("books", "csv", null, FileNames.Select("csv", [stored]), TimeProvider.System);

    private static SinkCommit<byte[]> Commit(string[] lines, CommitParts parts)
        => new(parts, "csv", [.. lines.Select((line, i) => new StagedItem<byte[]>(Encoding.UTF8.GetBytes(line + "\n"), $"{i}", 1, 0))]);
}
