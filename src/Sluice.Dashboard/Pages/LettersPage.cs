namespace Sluice.Dashboard.Pages;

/// <summary>The dead letters of a consecutor, filtered, page by page.</summary>
internal static class LettersPage
{
    private const int MaxRows = 100, MaxLooks = 20_000;

    /// <summary>What stands for the payload of a letter that is damaged in the store.</summary>
    public const string Damaged = "(damaged)";

    /// <summary>The headers of a table of dead letters.</summary>
    public static readonly string[] Columns = [">Number", "Error", "Node", "Died", ">Attempts", "Payload"];

    public static async ValueTask<Page> DrawAsync(PageRequest request)
    {
        ConsecutorSample one = await ConsecutorPage.FindAsync(request).ConfigureAwait(false);
        LetterQuery query = LetterQuery.Read(request.Query);
        query.Check(request.Options);
        bool isByError = request.Query("by") == "error";
        // The look of the sampler may be some seconds old, and the list below is not.
        StreamLook? now = (await request.Sampler.FindStreamsAsync(one.Store, [one.Name], request.Aborted).ConfigureAwait(false))[0].Look;
        long dead = now?.Consecutor?.Backlog.Dead ?? one.Dead;
        string all = Shown.Count(dead, "dead letter") + (query.IsAll ? "" : " in all");
        var count = new PagePart("count", Markup.Of($"<p>{all}. {Outcome(request)}</p>"), IsLive: !isByError);
        // The list is not updated, so an update does not search for it.
        if (request.IsUpdate) return new("", [count]);
        string here = request.Address(one, "/dead");
        (Markup letters, bool isEmpty) = isByError
            ? (await LetterGroups.DrawAsync(request, one, query).ConfigureAwait(false), dead == 0)
            : await ListAsync(request, one, query, here).ConfigureAwait(false);
        return ConsecutorPage.Below(request, one, $"Dead letters of {VisibleText.Shorten(one.Name, 100)}",
        [
            count,
            new("filter", Filter(request, here, isByError), IsLive: false),
            new("change", Change(request, one, query, here, isEmpty, isByError), IsLive: false),
            new("letters", letters, IsLive: false),
        ]);
    }

    private static async Task<(Markup Letters, bool IsEmpty)> ListAsync(PageRequest request, ConsecutorSample one, LetterQuery query,
        string here)
    {
        long after = request.QueryNumber("after") ?? 0;
        (List<StoredDeadLetter> letters, long last, bool isEnd) = await query.FindAsync(request.Sampler.InspectorOf(one.Store), one.Id,
            after, MaxRows, MaxLooks, request.Aborted).ConfigureAwait(false);
        string met = query.IsAll || letters.Count == 0 ? "" : isEnd && after == 0 ? $"{Shown.Count(letters.Count)} of them "
            + $"{(letters.Count == 1 ? "meets" : "meet")} the filter." : "Those that meet the filter:";
        return (Markup.Of($"""
            {(met.Length == 0 ? Markup.None : Markup.Of($"<p>{met}</p>"))}
            {Tables.Draw("Dead letters, oldest first", Columns, letters.Select(letter => Row(request, one, letter)),
                "There are none that meet the filter.")}
            {(isEnd ? Markup.None : Markup.Of($"<p>{Tables.Link(With(request, here, $"after={last}"),
                letters.Count < MaxRows ? "Search on" : "Next page")}</p>"))}
            """), letters.Count == 0);
    }

    /// <summary>A dead letter as a row of a table.</summary>
    public static IReadOnlyList<Markup> Row(PageRequest request, ConsecutorSample one, StoredDeadLetter letter) =>
    [
        Tables.Link(request.Address(one, $"/dead/{letter.Number.ToString(CultureInfo.InvariantCulture)}"),
            letter.Number.ToString(CultureInfo.InvariantCulture)),
        Tables.Cell(VisibleText.Shorten(FirstLine(letter.Error), 160)), Tables.Cell(VisibleText.Shorten(letter.Node, 60)),
        Shown.Time(letter.DiedAt), Tables.Cell(Shown.Count(letter.Attempts)),
        Markup.Of($"<code>{VisibleText.Shorten(Payload(request, one, letter), 100)}</code>"),
    ];

    private static string Payload(PageRequest request, ConsecutorSample one, StoredDeadLetter letter)
        => letter.IsUnreadable ? Damaged
        : PayloadText.Begin(letter.Entry.Payload, request.Options.MaskPayload, one.Name).ReplaceLineEndings(" ");

    /// <summary>The first line of an error.</summary>
    public static string FirstLine(string text) => text.AsSpan().IndexOfAny('\r', '\n') is >= 0 and var end ? text[..end] : text;

    private static Markup Filter(PageRequest request, string here, bool isByError) => Markup.Of($"""
        <form method="get" action="{here.Split('?')[0]}" class="filter">
        {Field(request, "node", "Node", "Validate")}{Field(request, "error", "Error contains", "timeout")}
        {Field(request, "key", "Key", "customer-7")}{Field(request, "text", "Payload contains", "4711")}
        {Field(request, "since", "Died since (UTC)", "2026-11-24T18:30")}{Field(request, "before", "Died before (UTC)", "2026-11-25")}
        {PlaceFields(request)}{(isByError ? Hidden("by", "error") : Markup.None)}
        <button>Filter</button> <a href="{here}">All</a>
        </form>
        """);

    private static Markup Change(PageRequest request, ConsecutorSample one, LetterQuery query, string here, bool isEmpty, bool isByError)
    {
        if (isEmpty) return Markup.None;
        Markup fields = Markup.Join(LetterQuery.Names.Where(name => request.Query(name) is not null)
            .Select(name => Hidden(name, request.Query(name)!)));
        string which = query.IsAll ? "all" : "those of the filter";
        string redrive = request.Address(one, "/redrive");
        string discard = request.Address(one, "/discard");
        string export = With(request, request.Address(one, "/dead.jsonl"), "");
        return Markup.Of($"""
            <div class="actions">{request.Button(redrive, $"Redrive {which}…", fields)}
            {request.Button(discard, $"Discard {which}…", fields, isDangerous: true)}
            {(isByError ? Tables.Link(With(request, here, ""), "One by one") : Tables.Link(With(request, here, "by=error"), "By error"))}
            <a href="{export}" download>Export as JSON lines</a></div>
            """);
    }

    // What an action has said, in words of ours: the address is not ours.
    private static string Outcome(PageRequest request) => request.Query("done") switch
    {
        "redriven" => $"{Number(request, "count")} redriven.{(request.Query("left") is null ? ""
            : $" Left because of damaged partitions: {Number(request, "left")}. Restore the store from a backup, or discard them.")}",
        "discarded" => $"{Number(request, "count")} discarded.",
        "sent" => "The edited letter was sent again.",
        "sent-before" => "The letter had been sent again before: that payload counts.",
        _ => "",
    };

    private static string Number(PageRequest request, string field)
        => long.TryParse(request.Query(field), NumberStyles.None, CultureInfo.InvariantCulture, out long count)
            ? Shown.Count(count, "letter") : "Letters";

    private static string With(PageRequest request, string here, string more)
    {
        IEnumerable<string> values = LetterQuery.Names.Where(name => request.Query(name) is not null)
            .Select(name => $"{name}={Uri.EscapeDataString(request.Query(name)!)}");
        string query = string.Join('&', more.Length == 0 ? values : values.Append(more));
        return query.Length == 0 ? here : here + (here.Contains('?', StringComparison.Ordinal) ? '&' : '?') + query;
    }

    private static Markup Field(PageRequest request, string name, string label, string example) => Markup.Of($"""
        <label>{label} <input name="{name}" value="{Markup.Value(request.Query(name))}" placeholder="{example}" maxlength="200"></label>

        """);

    /// <summary>The fields by which a filter stays in its store, and with its member.</summary>
    public static Markup PlaceFields(PageRequest request) => Markup.Join([
        request.StoreName is { } store ? Hidden("store", store) : Markup.None,
        request.MemberName is { } member ? Hidden("member", member) : Markup.None]);

    public static Markup Hidden(string name, string value)
        => Markup.Of($"<input type=\"hidden\" name=\"{name}\" value=\"{Markup.Value(value)}\">");
}
