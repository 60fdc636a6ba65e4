using System.Text;
using Sluice.Delivery;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>A file sink that is given another file of the same name: the store knows the id of its own file.</summary>
public sealed class FileIdTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("files-");

    private string Own => PathOf("eu");

    private string Other => PathOf("us");

    public void Dispose() => directory.Delete(recursive: true);

    [Theory]
    [InlineData("another program", "the longer text of another program", "does not say that books/csv has written the rest")]
    [InlineData("another node", "us, and more", "us/out.csv.lock says that it belongs to books/copy. Nothing was cut")]
    [InlineData("another node", "u", "us/out.csv.lock says that it belongs to books/copy. Nothing was cut")]
    [InlineData("another node", "12", "us/out.csv.lock says that it belongs to books/copy. Nothing was cut")]
    [InlineData("another store", "us, and more", "us/out.csv.lock says that it belongs to books/csv of another store. Nothing was cut")]
    public async Task AnotherFileOfTheSameNameIsLeftAlone(string writer, string content, string error)
    {
        Store own = new("csv"), other = new(writer == "another store" ? "csv" : "copy");
        await own.WriteAsync(Own, "12");
        if (writer == "another program") await File.WriteAllTextAsync(Other, content);
        else await other.WriteAsync(Other, content);

        var failure = await Assert.ThrowsAsync<InvalidDataException>(() => own.WriteAsync(Other, "3"));
        Assert.Contains(error, failure.Message, StringComparison.Ordinal);
        Assert.Equal(content, await File.ReadAllTextAsync(Other));
        await own.WriteAsync(Own, "3");
        Assert.Equal("123", await File.ReadAllTextAsync(Own));
    }

    /// <summary>Its first commit may be in doubt: the mark of a file that was begun is of one sink.</summary>
    [Fact]
    public async Task AFileThatAnotherSinkHasBegunIsLeftAlone()
    {
        await new Store("csv").WriteAsync(Own, "12", isKilled: true);
        await Assert.ThrowsAsync<InvalidDataException>(() => new Store("copy").WriteAsync(Own, "3"));
        Assert.Equal("12", await File.ReadAllTextAsync(Own));
        await new Store("csv").WriteAsync(Own, "3");
        Assert.Equal("3", await File.ReadAllTextAsync(Own));
    }

    [Theory]
    [InlineData(true, true, "123")]
    [InlineData(true, false, "123")]
    [InlineData(false, false, "123")]
    [InlineData(false, true, null)]                  // nothing says that the last byte is an uncommitted one of the sink
    public async Task AFileThatWasMovedIsContinued(bool withItsLock, bool isKilled, string? expected)
    {
        var store = new Store("csv");
        await store.WriteAsync(Own, "12");
        if (isKilled) await store.WriteAsync(Own, "x", isKilled: true);
        File.Move(Own, Other);
        if (withItsLock) File.Move(Own + ".lock", Other + ".lock");
        if (expected is null) await Assert.ThrowsAsync<InvalidDataException>(() => store.WriteAsync(Other, "3"));
        else await store.WriteAsync(Other, "3");
        Assert.Equal(expected ?? "12x", await File.ReadAllTextAsync(Other));
    }

    /// <summary>Earlier versions stored no id, and their lock files were empty.</summary>
    [Fact]
    public async Task AFileOfAnEarlierVersionGetsAnId()
    {
        var store = new Store("csv");
        store.Lengths[FileNames.Of("csv", "out.csv")] = 2;
        await File.WriteAllTextAsync(Own, "12");
        await File.WriteAllTextAsync(Own + ".lock", "");
        await store.WriteAsync(Own, "x", isKilled: true);
        await store.WriteAsync(Own, "3");
        await store.WriteAsync(Own, "4");
        Assert.Equal("1234", await File.ReadAllTextAsync(Own));
        await File.WriteAllTextAsync(Other, "12345");
        await Assert.ThrowsAsync<InvalidDataException>(() => store.WriteAsync(Other, "5"));
    }

    private string PathOf(string folder) => Path.Combine(directory.CreateSubdirectory(folder).FullName, "out.csv");

    /// <summary>What a store knows of the sink of a node.</summary>
    private sealed class Store(string node)
    {
        public Dictionary<string, long> Lengths { get; } = new(StringComparer.Ordinal);

        /// <summary>One life of the sink.</summary>
        public async Task WriteAsync(string path, string text, bool isKilled = false)
        {
            var sink = new FileSink(path, [], replace: false);
            try
            {
                await sink.Begin(new("books", node, null, FileNames.Select(node, [Lengths]), TimeProvider.System), default);
                var parts = new CommitParts(0);
                var commit = new SinkCommit<byte[]>(parts, node, [new(Encoding.UTF8.GetBytes(text), "1", 1, 0)]);
                await sink.Prepare(commit, default);
                if (isKilled) return;
                foreach (FileLength file in parts.FileLengths) Lengths[file.Name] = file.Length;
                await sink.Finish(commit, true, default);
            }
            finally
            {
                await sink.End();
            }
        }
    }
}
