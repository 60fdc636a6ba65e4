using Sluice.Diagnostics;
using Sluice.Flows;

namespace Sluice.Dashboard.Pages;

/// <summary>The streams of a run with their readers, and the values of the results, or of one stream.</summary>
internal static class FlowStreams
{
    private const int MaxRows = 200, MaxReaders = 10, MaxResults = 5, MaxValues = 50, MaxText = 2000;

    public static Markup Table(PageRequest request, StoreSource store, FlowRunInfo run) => Markup.Of($"""
        {Rows(request, store, run)}
        {(run.Streams.Count > MaxRows ? Markup.Of($"<p>The first {MaxRows} of {run.Streams.Count} streams.</p>") : Markup.None)}
        """);

    private static Markup Rows(PageRequest request, StoreSource store, FlowRunInfo run) => Tables.Under("Streams",
        ["Stream", "Kind", ">Written", ">Kept", ">Bytes", "Readers: values that each has not read", "Complete"],
        run.Streams.Take(MaxRows).Select(one => (IReadOnlyList<Markup>)
        [
            Tables.Link(Address(request, store, run, one.Name, 1), VisibleText.Shorten(one.Name, 100)),
            Tables.Cell(one.IsInput ? "input" : one.IsResult ? "result" : "between processors"), Tables.Cell(Shown.Count(one.Written)),
            Tables.Cell(Shown.Count(one.Kept)), Tables.Cell(Shown.Bytes(one.Bytes)), Tables.Cell(Readers(one)),
            Tables.Cell(one.IsComplete ? "yes" : "no"),
        ]), "It has none.");

    /// <summary>The first values of the results, or a page of the stream that the query names.</summary>
    public static async Task<Markup> ValuesAsync(PageRequest request, StoreSource store, FlowRunInfo run)
    {
        long from = request.QueryNumber("from") ?? 1;
        string? asked = request.Query("stream");
        FlowStreamInfo[] all = [.. run.Streams.Where(one => asked is null ? one.IsResult : one.Name == asked)];
        if (asked is not null && all.Length == 0)
            return Markup.Of($"<p class=\"none\">The run has no stream of the name '{VisibleText.Shorten(asked, 100)}'.</p>");
        List<Markup> parts = [];
        foreach (FlowStreamInfo stream in all.Take(MaxResults))
            parts.Add(await DrawAsync(request, store, run, stream, Math.Max(1, from)).ConfigureAwait(false));
        if (all.Length > MaxResults) parts.Add(Markup.Of($"<p>The first {MaxResults} of {all.Length} results.</p>"));
        return Markup.Join(parts);
    }

    private static async Task<Markup> DrawAsync(PageRequest request, StoreSource store, FlowRunInfo run, FlowStreamInfo stream, long from)
    {
        string kind = stream.IsResult ? "Result" : stream.IsInput ? "Input" : "Values of";
        ReadResult? read;
        try
        {
            read = await FlowInspector.ReadAsync(store.Store, run.Run, stream.Name, from, MaxValues, request.Aborted).ConfigureAwait(false);
        }
        catch (StreamStoreException damage) when (damage.IsPermanent)
        {
            return Markup.Of($"""
                <h2>{kind} {VisibleText.Shorten(stream.Name, 100)}</h2>
                {Tables.Show(new(Urgency.Warning, damage.Message))}
                {(damage.Sequence is { } at && at >= from && at < stream.Written
                    ? Tables.Link(Address(request, store, run, stream.Name, at + 1), "The values behind it") : Markup.None)}
                """);
        }
        if (read is null) return Markup.None;                        // deleted since the look
        Markup left = read.Missed == 0 ? Markup.None : Markup.Of($"""
            <p>{Shown.Count(read.Missed, "value")} {(read.Missed == 1 ? "has" : "have")} left the store: all readers have read them.</p>
            """);
        Markup next = read.Entries.IsEmpty || read.Next > stream.Written ? Markup.None
            : Tables.Link(Address(request, store, run, stream.Name, read.Next), $"Next values of {VisibleText.Shorten(stream.Name, 60)}");
        return Markup.Of($"""
            {Tables.Under($"{kind} {VisibleText.Shorten(stream.Name, 100)}", [">Number", "Written", "Value"],
                read.Entries.ToArray().Select(entry => Row(request, stream, entry)),
                stream.Written == 0 ? "It has no value yet." : "There is no value here.")}
            {left}{next}
            """);
    }

    private static IReadOnlyList<Markup> Row(PageRequest request, FlowStreamInfo stream, Entry entry)
    {
        (string value, _) = PayloadText.Show(entry.Payload, request.Options.MaskPayload, stream.Name);
        return
        [
            Tables.Cell(Shown.Count(entry.Sequence)), Shown.Time(entry.Time),
            Markup.Of($"<pre tabindex=\"0\">{VisibleText.Shorten(value, MaxText)}</pre>"),
        ];
    }

    private static string Readers(FlowStreamInfo stream)
    {
        IEnumerable<string> first = stream.Readers.OrderByDescending(static one => one.Unread).Take(MaxReaders)
            .Select(static one => $"{VisibleText.Shorten(one.Name, 60)}: {Shown.Count(one.Unread)}");
        return stream.Readers.Count == 0 ? "–" : string.Join("; ", first)
            + (stream.Readers.Count > MaxReaders ? $"; {Shown.Count(stream.Readers.Count - MaxReaders)} more" : "");
    }

    private static string Address(PageRequest request, StoreSource store, FlowRunInfo run, string stream, long from)
        => $"{request.Root}/flows/{PathName.Encode(run.Run)}?stream={Uri.EscapeDataString(stream)}&from="
            + $"{from.ToString(CultureInfo.InvariantCulture)}{request.InStore(store, "&")}#values";
}
