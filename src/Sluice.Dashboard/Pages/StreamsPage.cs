using Sluice.Diagnostics;

namespace Sluice.Dashboard.Pages;

/// <summary>The streams of a store, with their groups and readers.</summary>
internal static class StreamsPage
{
    private const int MaxRows = 200;

    public static async ValueTask<Page> DrawAsync(PageRequest request)
    {
        StoreSample store = request.Sample.FindStore(request.StoreName) ?? throw new MissingException("There is no such store here.");
        string after = request.Query("after") ?? "";
        string[] names = [.. store.Names.SkipWhile(name => string.CompareOrdinal(name, after) <= 0).Take(MaxRows + 1)];
        FoundStream[] page = [.. (store.IsLarge && !store.IsSilent
            ? await request.Sampler.FindStreamsAsync(store.Store, names, request.Aborted).ConfigureAwait(false)
            : names.Select(name => new FoundStream(name, store.Streams.GetValueOrDefault(name), store.Damage.GetValueOrDefault(name))))
            .Take(MaxRows)];
        Markup next = names.Length <= MaxRows ? Markup.None : Tables.Link(
            $"{request.Root}/streams?after={Uri.EscapeDataString(names[MaxRows - 1])}{request.InStore(store.Store, "&")}", "Next page");
        return new($"Streams of {store.Store.Name}",
        [
            new("streams", Markup.Of($"""
                {(store.Problem is { } problem ? Tables.Show(new(Urgency.Failing, problem)) : Markup.None)}
                {page.Select(static one => one.Damage).OfType<string>().Select(static text => Tables.Show(new(Urgency.Warning, text)))}
                {Tables.Draw("Streams, by name", ["Stream", ">Entries", ">Bytes", ">Appended", "Groups and readers: backlog"],
                    page.Select(static one => one.Look).OfType<StreamLook>().Select(stream => Row(request, store, stream)),
                    store.At is null ? "They are known after the first look at the store."
                        : store.Names.Count == 0 ? "The store has no streams." : "There is none here.")}
                {next}
                """)),
        ])
        { Place = Place.Streams };
    }

    private static IReadOnlyList<Markup> Row(PageRequest request, StoreSample store, StreamLook stream) =>
    [
        stream.IsConsecutor ? Tables.Link(request.Address("consecutors", stream.Name, store.Store), stream.Name) : Tables.Cell(stream.Name),
        Tables.Cell(Shown.Count(stream.Info.Items)), Tables.Cell(Shown.Bytes(stream.Info.Bytes)),
        Tables.Cell(Shown.Rate(stream.AppendedPerSecond)),
        Tables.Cell(string.Join("; ", stream.Groups
            .Select(static group => $"{group.Backlog.Name}: {Shown.Count(group.Backlog.Outstanding)}")
            .Concat(stream.Info.Readers.Select(static reader => $"{reader.Name} (reader): {Shown.Count(reader.Backlog)}")))),
    ];
}
