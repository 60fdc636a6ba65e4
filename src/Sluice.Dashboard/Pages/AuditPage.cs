using Sluice.Dashboard.Actions;

namespace Sluice.Dashboard.Pages;

/// <summary>Who did what on the dashboard, when.</summary>
internal static class AuditPage
{
    private const int MaxLines = 500;

    public static async ValueTask<Page> DrawAsync(PageRequest request)
    {
        var (lines, problems) = await EachStore.ReadAsync([.. request.Sample.Stores], async store =>
            (await AuditLog.ReadAsync(store, MaxLines, request.Aborted).ConfigureAwait(false)).Select(line => (Store: store, Line: line)))
            .ConfigureAwait(false);
        return new("Audit",
        [
            new("problems", problems),
            new("lines", Tables.Draw("What was done on the dashboard, the latest first", ["When", "Store", "Who", "What", "Outcome"],
                lines.SelectMany(static one => one).OrderByDescending(static one => one.Line.At).Take(MaxLines)
                .Select(one => (IReadOnlyList<Markup>)
                [
                    Shown.Time(one.Line.At), Tables.Cell(one.Store.Name), Tables.Cell(one.Line.Who),
                    Markup.Of($"<span class=\"long\">{VisibleText.Shorten(What(request, one.Line), 600)}</span>"),
                    Tables.Cell(one.Line.Outcome ?? "begun"),
                ]), "Nothing was done yet.")),
        ])
        { Place = Place.Audit };
    }

    // A dashboard without a mask may have noted payloads, and texts of them.
    private static string What(PageRequest request, AuditLine line)
        => request.Options.MaskPayload is null ? line.What : LetterActions.WithoutPayloads(line.What);
}
