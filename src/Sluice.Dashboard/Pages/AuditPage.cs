using Sluice.Dashboard.Actions;
using Sluice.Dashboard.Sampling;
using Sluice.Dashboard.Serving;

namespace Sluice.Dashboard.Pages;

/// <summary>Who did what on the dashboard, when.</summary>
internal static class AuditPage
{
    private const int MaxLines = 500;

    public static async ValueTask<Page> DrawAsync(PageRequest request)
    {
        List<(StoreSource Store, AuditLine Line)> lines = [];
        foreach (StoreSample store in request.Sample.Stores)
            foreach (AuditLine line in await AuditLog.ReadAsync(store.Store, MaxLines, request.Aborted).ConfigureAwait(false))
                lines.Add((store.Store, line));
        return new("Audit",
        [
            new("lines", Tables.Draw("What was done on the dashboard, the latest first", ["When", "Store", "Who", "What", "Outcome"],
                lines.OrderByDescending(static one => one.Line.At).Take(MaxLines).Select(static one => (IReadOnlyList<Markup>)
                [
                    Shown.Time(one.Line.At), Tables.Cell(one.Store.Name), Tables.Cell(one.Line.Who),
                    Markup.Of($"<span class=\"long\">{VisibleText.Shorten(one.Line.What, 600)}</span>"),
                    Tables.Cell(one.Line.Outcome ?? "begun"),
                ]), "Nothing was done yet.")),
        ]);
    }
}
