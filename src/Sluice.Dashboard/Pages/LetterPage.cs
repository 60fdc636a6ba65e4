namespace Sluice.Dashboard.Pages;

/// <summary>A dead letter: its error, its path, its payload, and what can be done.</summary>
internal static class LetterPage
{
    private const int MaxEdited = 256_000;

    public static async ValueTask<Page> DrawAsync(PageRequest request)
    {
        ConsecutorSample one = await ConsecutorPage.FindAsync(request).ConfigureAwait(false);
        StoredDeadLetter letter = await FindAsync(request, one, request.Number).ConfigureAwait(false);
        string number = letter.Number.ToString(CultureInfo.InvariantCulture);
        (string shown, string? cut) = letter.IsUnreadable ? (LettersPage.Damaged, null)
            : PayloadText.Show(letter.Entry.Payload, request.Options.MaskPayload, one.Name);
        Markup which = LettersPage.Hidden("number", number);
        return new($"Dead letter {number}",
        [
            new("facts", Tables.Facts(
            [
                ("Item", Tables.Cell(letter.Entry.ItemIdIn(one.Name, letter.Partition))),
                ("Died", Shown.Time(letter.DiedAt)), ("Accepted", Shown.Time(letter.Entry.Time)), ("Node", Tables.Cell(letter.Node)),
                ("Path", Tables.Cell(letter.Path.Length == 0 ? "–" : letter.Path)), ("Attempts", Tables.Cell(Shown.Count(letter.Attempts))),
                ("Code version", Tables.Cell(Shown.Count(letter.Entry.CodeVersion))),
                ("Enters again", Tables.Cell(DeadLetterEditing.EntersAt(letter) is { } node ? $"at {node}" : "at the beginning")),
            ]), IsLive: false),
            new("error", Markup.Of($"""
                <h2>Error</h2><pre tabindex="0">{VisibleText.Shorten(letter.Error, PayloadText.MaxShown)}</pre>
                {(letter.Stack.Length == 0 ? Markup.None : Markup.Of(
                    $"<details open><summary>Stack</summary><pre tabindex=\"0\">{VisibleText.Show(letter.Stack)}</pre></details>"))}
                """), IsLive: false),
            new("payload", Markup.Of($"""
                <h2>Payload</h2><pre tabindex="0">{shown}</pre>{(cut is null ? Markup.None : Markup.Of($"<p>{cut}</p>"))}
                """), IsLive: false),
            new("change", !request.MayChange ? Markup.None : Markup.Of($"""
                <div class="actions">{request.Button(request.Address(one, "/redrive"), "Redrive", which)}
                {request.Button(request.Address(one, "/discard"), "Discard", which, isDangerous: true)}</div>
                {Editor(request, one, letter, which)}
                """), false),
        ])
        {
            Above =
            [
                (one.Title, request.Address(one)),
                ("Dead letters", request.Address(one, "/dead")),
            ]
        };
    }

    /// <summary>Finds a letter by its number. An id of an item is none: the store would read all letters for it.</summary>
    /// <exception cref="MissingException">There is none.</exception>
    public static async Task<StoredDeadLetter> FindAsync(PageRequest request, ConsecutorSample one, string number)
        => (long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out _)
            ? await request.Sampler.InspectorOf(one.Store).FindDeadLetterAsync(one.Id, number, request.Aborted).ConfigureAwait(false)
            : null) ?? throw Gone(one, number);

    /// <summary>Says that there is no such letter any more.</summary>
    public static MissingException Gone(ConsecutorSample one, string number)
        => new($"{one.Name} has no dead letter {VisibleText.Shorten(number, 20)}: it was redriven or discarded.");

    private static Markup Editor(PageRequest request, ConsecutorSample one, StoredDeadLetter letter, Markup which)
    {
        if (WhyNoEditor(request, letter) is { } why) return Markup.Of($"<p class=\"none\">{why}</p>");
        string where = DeadLetterEditing.EntersAt(letter) is { } node ? $"It enters at {node}, as the input of that node."
            : "It enters at the beginning.";
        return Markup.Of($"""
            <details><summary>Edit the payload and send it again</summary>
            <form method="post" action="{request.Address(one, "/edit")}">{PageRequest.TokenField}{which}
            <label>Payload, as it is stored. {where} The letter is deleted.
            <textarea name="payload" rows="12" spellcheck="false">
            {PayloadText.Text(letter.Entry.Payload.Span)}</textarea></label>
            <button>Send again</button></form></details>
            """);
    }

    private static string? WhyNoEditor(PageRequest request, StoredDeadLetter letter)
        => request.Options.MaskPayload is not null ? "Payloads are masked here, so they cannot be edited."
            : DeadLetterEditing.WhyNot(letter)
            ?? (letter.Entry.Payload.Length > MaxEdited
                ? $"The payload is too long to be edited here: {Shown.Bytes(letter.Entry.Payload.Length)}."
                : IsExact(letter) ? null
                : "The payload has bytes that a form does not keep as they are, so it cannot be edited here.");

    // Browsers send line ends as CR LF, and no control characters other than tabs.
    private static bool IsExact(StoredDeadLetter letter)
        => PayloadText.Text(letter.Entry.Payload.Span) is { } text && VisibleText.Show(text) == text
            && !text.Contains('\r', StringComparison.Ordinal);
}
