using System.Runtime.CompilerServices;
using Sluice.Flows;
using Sluice.Storage;

namespace Files.Processors;

/// <summary>
/// The flow: <c>discover</c> finds files, <c>read</c> reads them, <c>extract</c> counts their words, <c>index</c> keeps the counts of files
/// that could be read, and names the others.
/// Paths go from the first to the second, contents from the second to the third, which is why that stream is bounded in bytes.
/// </summary>
internal static class WordFlow
{
    /// <summary>The directory that is looked through.</summary>
    public const string Directory = "directory";

    /// <summary>How many files were found; one value, when all are.</summary>
    public const string Found = "found";

    /// <summary>What came of each file.</summary>
    public const string Entries = "entries";

    // Finds the same files in the same order when it is repeated, so it may begin anew; it has nothing but a name to read.
    public static Processor Discover { get; } = new("discover") { Inputs = [Directory], Outputs = ["paths", Found] };

    public static Processor Read { get; } = new("read") { Inputs = ["paths", Directory], Outputs = ["texts"], Resume = ResumeMode.PerItem };

    public static Processor Extract { get; } = new("extract") { Inputs = ["texts"], Outputs = ["counts"], Resume = ResumeMode.PerItem };

    public static Processor Index { get; } = new("index") { Inputs = ["counts"], Outputs = [Entries], Resume = ResumeMode.PerItem };

    public static Flow Flow { get; } = Flow.From(Discover, Read, Extract, Index)
        .With("paths", new() { MaxItems = 256 })
        .With("texts", new() { MaxItems = 256, MaxBytes = 4 << 20, MaxItemBytes = TextFile.Longest + (64 << 10) })
        .With("counts", new() { MaxItems = 256 })
        .With(Entries, new() { MaxItems = 256 })
        .Resolve();

    /// <summary>How values become bytes.</summary>
    public static PayloadSerializers Serializers { get; } = PayloadSerializers.JsonOf(FilesJson.Default).With(new FileTextSerializer());

    /// <summary>The values that a run is started with.</summary>
    public static IOVal[] Inputs(string directory) => [IOVal.Of(Directory, directory)];

    public static async IAsyncEnumerable<IOVal> DiscoverAsync(IO<string> directory, [EnumeratorCancellation] CancellationToken cancellation)
    {
        int number = 0;
        foreach (var (path, trouble) in DirectoryWalk.Of(await directory.FirstAsync(cancellation)))
            yield return IOVal.Of("paths", new FoundFile(number++, path, trouble));
        yield return IOVal.Of(Found, number);
    }

    public static async IAsyncEnumerable<IOVal> ReadAsync(IO<FoundFile> paths, IO<string> directory,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        string root = await directory.FirstAsync(cancellation);
        var reader = new TextFile();
        await foreach (FoundFile file in paths.StreamAsync(cancellation))
        {
            var (text, trouble) = file.Trouble is null ? await reader.ReadAsync(Path.Combine(root, file.Path), cancellation)
                : (default, file.Trouble);
            yield return IOVal.Of("texts", new FileText(file.Number, file.Path, text, trouble));
        }
    }

    public static async IAsyncEnumerable<IOVal> ExtractAsync(IO<FileText> texts, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (FileText file in texts.StreamAsync(cancellation))
        {
            long words = 0;
            string? trouble = file.Trouble ?? (Words.TryCount(file.Text.Span, out words) ? null
                : "is no text: it has a zero byte, or is not UTF-8");
            yield return IOVal.Of("counts", new FileWords(file.Number, file.Path, words, trouble));
        }
    }

    public static async IAsyncEnumerable<IOVal> IndexAsync(IO<FileWords> counts, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (FileWords file in counts.StreamAsync(cancellation)) yield return IOVal.Of(Entries, file);
    }
}
