using System.Runtime.CompilerServices;
using Sluice.Flows;

namespace Words;

/// <summary>A file that was found, by its number from zero.</summary>
internal sealed record FoundFile(int Number, string Path);

/// <summary>The text of a file.</summary>
internal sealed record FileText(int Number, string Text);

/// <summary>The number of words of a file.</summary>
internal sealed record FileWords(int Number, long Words);

/// <summary>
/// The flow: <c>discover</c> finds files, <c>read</c> reads them, <c>extract</c> counts their words, <c>index</c> puts the counts out.
/// </summary>
internal static class WordFlow
{
    /// <summary>The directory that is looked through.</summary>
    public const string Directory = "directory";

    /// <summary>The words of each file.</summary>
    public const string Entries = "entries";

    public static Processor Discover { get; } = new("discover") { Inputs = [Directory], Outputs = ["paths"] };

    public static Processor Read { get; } = new("read") { Inputs = ["paths"], Outputs = ["texts"], Resume = ResumeMode.PerItem };

    /// <summary>In C# below, in Python in words.py. A process that is killed is replaced by one that goes on with the next file.</summary>
    public static Processor Extract { get; } = new("extract") { Inputs = ["texts"], Outputs = ["counts"], Resume = ResumeMode.PerItem };

    public static Processor Index { get; } = new("index") { Inputs = ["counts"], Outputs = [Entries], Resume = ResumeMode.PerItem };

    public static Flow Flow { get; } = Flow.From(Discover, Read, Extract, Index).Resolve();

    public static async IAsyncEnumerable<IOVal> DiscoverAsync(IO<string> directory, [EnumeratorCancellation] CancellationToken cancellation)
    {
        int number = 0;
        foreach (string path in System.IO.Directory.EnumerateFiles(await directory.FirstAsync(cancellation), "*",
            SearchOption.AllDirectories).Order(StringComparer.Ordinal)) yield return IOVal.Of("paths", new FoundFile(number++, path));
    }

    public static async IAsyncEnumerable<IOVal> ReadAsync(IO<FoundFile> paths, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (FoundFile file in paths.StreamAsync(cancellation))
            yield return IOVal.Of("texts", new FileText(file.Number, await File.ReadAllTextAsync(file.Path, cancellation)));
    }

    public static async IAsyncEnumerable<IOVal> ExtractAsync(IO<FileText> texts, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (FileText file in texts.StreamAsync(cancellation))
            yield return IOVal.Of("counts", new FileWords(file.Number, file.Text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
                .Length));
    }

    public static async IAsyncEnumerable<IOVal> IndexAsync(IO<FileWords> counts, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (FileWords file in counts.StreamAsync(cancellation)) yield return IOVal.Of(Entries, file);
    }
}
