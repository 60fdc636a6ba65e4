using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Sluice.Dashboard.Pages;
using Sluice.Diagnostics;

namespace Sluice.Dashboard.Actions;

/// <summary>Changes dead letters: one, or those of a filter after a page that shows how many there are.</summary>
internal static class LetterActions
{
    private const int Step = 100, MaxCounted = 1_000_000, MaxNoted = 900;      // small steps of changes: a consecutor notices each one

    // Stand before payloads, and before the text of a filter, which is its last condition, in a line of the audit.
    private const string As = ", as: ", FirstText = "(text '", LaterText = ", text '";

    /// <summary>Cuts a line of the audit before the payloads, or the part of a payload, that it has.</summary>
    public static string WithoutPayloads(string what)
    {
        int payload = what.IndexOf(As, StringComparison.Ordinal);
        if (payload >= 0) what = what[..payload];
        foreach (string mark in (string[])[FirstText, LaterText])
            if (what.IndexOf(mark, StringComparison.Ordinal) is >= 0 and var text) what = $"{what[..text]}{mark}…";
        return what;
    }

    public static Task<ActionOutcome> RedriveAsync(ActionRequest request) => ChangeAsync(request, "Redrive", "redriven",
        static (store, group, numbers, cancellation) => store.RedriveAsync(group, numbers, cancellation));

    public static Task<ActionOutcome> DiscardAsync(ActionRequest request) => ChangeAsync(request, "Discard", "discarded",
        static (store, group, numbers, cancellation) => store.DeleteDeadAsync(group, numbers, cancellation));

    public static async Task<ActionOutcome> EditAsync(ActionRequest request)
    {
        ConsecutorSample one = await ConsecutorPage.FindAsync(request.Page).ConfigureAwait(false);
        if (request.Page.Options.MaskPayload is not null) throw new MissingException("Payloads are masked here, so they cannot be edited.");
        StoredDeadLetter letter = await FindAsync(request, one).ConfigureAwait(false);
        if (DeadLetterEditing.WhyNot(letter) is { } why) throw new MissingException(why);
        string text = (request.Field("payload") ?? "").Replace("\r\n", "\n", StringComparison.Ordinal);      // as browsers send line ends
        if (WhyBroken(letter, text) is { } broken)
            throw new MissingException($"The payload was JSON, and the text is not: {broken} Nothing was changed. Go back, and mend it.",
                StatusCodes.Status400BadRequest);
        bool isNew = false;
        string what = $"Edit the dead letter {letter.Number} of {one.Name} and send it again{As}{VisibleText.Shorten(text, MaxNoted)}; the "
            + $"payload was: {VisibleText.Shorten(Encoding.UTF8.GetString(letter.Entry.Payload.Span), MaxNoted)}";
        await request.AuditAsync(one.Store, what, async store =>
        {
            isNew = await DeadLetterEditing.SendEditedAsync(store, one.Id, letter, Encoding.UTF8.GetBytes(text)).ConfigureAwait(false);
            return isNew ? "sent" : "it had been sent before, with the payload of that time";
        }).ConfigureAwait(false);
        return ActionOutcome.GoTo(Letters(request, one, isNew ? "done=sent" : "done=sent-before"));
    }

    // The letter is deleted when the text is sent, so a typing error would cost its payload.
    private static string? WhyBroken(StoredDeadLetter letter, string text)
        => letter.Entry.Payload.Span is not [(byte)'{' or (byte)'[' or (byte)'"', ..] || WhyNoJson(letter.Entry.Payload) is not null ? null
            : WhyNoJson(Encoding.UTF8.GetBytes(text));              // another serializer may have written 42, or null

    private static string? WhyNoJson(ReadOnlyMemory<byte> text)
    {
        try
        {
            JsonDocument.Parse(text).Dispose();
            return null;
        }
        catch (JsonException e)
        {
            return e.Message;
        }
    }

    private static async Task<ActionOutcome> ChangeAsync(ActionRequest request, string verb, string done,
        Func<IStreamStore, GroupId, IReadOnlyList<long>, CancellationToken, ValueTask<int>> change)
    {
        ConsecutorSample one = await ConsecutorPage.FindAsync(request.Page).ConfigureAwait(false);
        if (request.Field("number") is not null)
        {
            StoredDeadLetter letter = await FindAsync(request, one).ConfigureAwait(false);
            if (letter.IsUnreadable && verb == "Redrive") throw new MissingException(DeadLetterEditing.WhyNot(letter)!);
            int changed = 0;
            await request.AuditAsync(one.Store, $"{verb} the dead letter {letter.Number} of {one.Name}", async store =>
            {
                changed = await change(store, one.Id, [letter.Number], CancellationToken.None).ConfigureAwait(false);
                return changed == 0 ? "it was gone" : done;
            }).ConfigureAwait(false);
            if (changed == 0) throw LetterPage.Gone(one, request.Field("number")!);       // another operator was faster
            return ActionOutcome.GoTo(Letters(request, one, $"done={done}&count=1"));
        }
        LetterQuery query = LetterQuery.Read(request.Field);
        query.Check(request.Page.Options);
        if (!long.TryParse(request.Field("last"), NumberStyles.None, CultureInfo.InvariantCulture, out long last))
            return await AskAsync(request, one, verb, query).ConfigureAwait(false);
        long all = 0;
        bool isCut = false;
        StreamStoreException? failure = null;
        var damaged = new DamagedPartitions();
        await request.AuditAsync(one.Store, $"{verb} dead letters of {one.Name} ({Describe(request, query)})", async store =>
        {
            // What is begun goes on when the browser leaves, but does not hold up a program that stops.
            try
            {
                await foreach (LetterPlace[] some in PlacesAsync(request, one, query, last, Step, verb, CancellationToken.None)
                    .ConfigureAwait(false))
                {
                    if (isCut = request.Stopping.IsCancellationRequested) break;
                    all += await damaged.ChangeAsync(some, numbers => change(store, one.Id, numbers, CancellationToken.None))
                        .ConfigureAwait(false);
                }
            }
            catch (StreamStoreException e) when (all > 0)
            {
                failure = e;
            }
            string left = damaged.Left == 0 ? "" : $"; {Shown.Count(damaged.Left)} left because of damage in the store: {damaged}";
            return $"{Shown.Count(all)} {done}{left}{(isCut ? ", then the program stopped" : "")}"
                + (failure is null ? "" : $", then failed: {failure.Message}");
        }).ConfigureAwait(false);
        string soFar = $"So far, {Shown.Count(all, "dead letter")} {(all == 1 ? "was" : "were")} {done}. Do it again for the others";
        if (isCut)
            throw new MissingException($"The program stops. {soFar} when the program runs again.", StatusCodes.Status503ServiceUnavailable);
        if (failure is not null)
            throw new MissingException($"The store has failed: {failure.Message} {soFar}.", StatusCodes.Status503ServiceUnavailable);
        return ActionOutcome.GoTo(Letters(request, one, string.Create(CultureInfo.InvariantCulture,
            $"done={done}&count={all}{(damaged.Left == 0 ? "" : $"&left={damaged.Left}")}")));
    }

    // The count is that of this moment, and so is the choice: what dies later has a higher number, and is not changed. A clock says less.
    private static async Task<ActionOutcome> AskAsync(ActionRequest request, ConsecutorSample one, string verb, LetterQuery query)
    {
        long count = 0, last = 0, damaged = 0;
        await foreach (LetterPlace[] some in PlacesAsync(request, one, query, long.MaxValue, StoreInspector.MaxPage, verb,
            request.Page.Aborted, () => damaged++).ConfigureAwait(false))
        {
            last = some[^1].Number;
            if ((count += some.Length) >= MaxCounted) break;
        }
        string those = $"{verb} {(count >= MaxCounted ? "the first " : "")}{Shown.Count(count, "dead letter")}";
        Markup fields = Markup.Join(LetterQuery.Names.Where(name => request.Field(name) is not null)
            .Select(name => LettersPage.Hidden(name, request.Field(name)!))
            .Append(LettersPage.Hidden("last", last.ToString(CultureInfo.InvariantCulture))));
        string left = damaged == 0 ? "" : $" {Shown.Count(damaged, "damaged letter")} {(damaged == 1 ? "is" : "are")} left.";
        string action = request.Page.Address(one, $"/{verb.ToLowerInvariant()}");
        return ActionOutcome.Show(ConsecutorPage.Below(request.Page, one, $"{those}?",
        [
            new("question", Markup.Of($"""
                <p>{those} of {one.Name} ({Describe(request, query)})? {(verb == "Discard"
                    ? "They are deleted for good." : "They are processed again, from the node that failed where its input was kept.")}{left}</p>
                <div class="actions">{request.Page.Button(action, $"{verb} {Shown.Count(count)}", fields, verb == "Discard")}
                <a href="{Letters(request, one, "")}">Cancel</a></div>
                """), IsLive: false),
        ]));
    }

    private static async IAsyncEnumerable<LetterPlace[]> PlacesAsync(ActionRequest request, ConsecutorSample one, LetterQuery query,
        long last, int step, string verb, [EnumeratorCancellation] CancellationToken cancellation, Action? left = null)
    {
        StoreInspector inspector = request.Page.Sampler.InspectorOf(one.Store);
        List<LetterPlace> places = [];
        await foreach (StoredDeadLetter letter in inspector.ReadDeadLettersAsync(one.Id, query.Filter, cancellation: cancellation)
            .ConfigureAwait(false))
        {
            if (letter.Number > last) break;
            bool isWanted = query.Matches(letter);
            if (isWanted && letter.IsUnreadable && verb == "Redrive") left?.Invoke();
            else if (isWanted) places.Add(new(letter.Number, letter.Partition));
            if (places.Count < step) continue;
            yield return [.. places];
            places.Clear();
        }
        if (places.Count > 0) yield return [.. places];
    }

    // Times as they were understood, and not as they were typed.
    private static string Describe(ActionRequest request, LetterQuery query)
    {
        string[] conditions = [.. LetterQuery.Names.Where(name => request.Field(name) is not null)
            .Select(name => $"{name} '{VisibleText.Shorten(Shown(name), 100)}'")];
        return conditions.Length == 0 ? "all of them" : string.Join(", ", conditions);

        string Shown(string name) => name switch
        {
            "since" when query.Filter.Since is { } since => Html.Shown.Utc(since),
            "before" when query.Filter.Before is { } before => Html.Shown.Utc(before),
            _ => request.Field(name)!,
        };
    }

    private static Task<StoredDeadLetter> FindAsync(ActionRequest request, ConsecutorSample one)
        => LetterPage.FindAsync(request.Page, one, request.Field("number") ?? "");

    private static string Letters(ActionRequest request, ConsecutorSample one, string query)
    {
        string address = request.Page.Address(one, "/dead");
        return query.Length == 0 ? address : address + (address.Contains('?', StringComparison.Ordinal) ? '&' : '?') + query;
    }
}
