namespace Sluice.Dashboard.Pages;

/// <summary>The first line of the first page: whether anything is wrong.</summary>
internal static class OverviewSummary
{
    public static Markup Draw(Sample sample, IReadOnlyList<(StoreSource Store, FlowSamples Flows)> flows)
    {
        (string Kind, Verdict[] Verdicts)[] all =
        [
            ("consecutor", [.. sample.Consecutors.Select(static one => one.Verdict)]),
            ("pipeline", [.. sample.Pipelines.Select(static one => one.Verdict)]),
            ("run", [.. flows.SelectMany(static one => one.Flows.Runs).Select(static one => one.Verdict)]),
            ("graph", [.. sample.Graphs.Select(static one => one.Verdict),
                .. sample.GraphProblem is { } problem ? [new Verdict(Urgency.Failing, problem)] : Array.Empty<Verdict>()]),
            ("scope", [.. sample.Steps.Select(static one => one.Verdict)]),
            ("store", [.. sample.Stores.Where(static one => one.Damage.Count > 0)
                .Select(static _ => new Verdict(Urgency.Warning, "A stream is damaged."))]),
        ];
        (string Text, int Count)? failing = Those(Urgency.Failing);
        string? broken = failing is { } some ? $"{some.Text} {(some.Count == 1 ? "does" : "do")} not work." : null;
        // Its consecutors do not work either: the store is the cause.
        if (sample.Stores.Count(static store => store.Problem is not null) is > 0 and int away)
            return Tables.Show(new(Urgency.Failing, (away == 1 ? "A store does not answer." : $"{away} stores do not answer.")
                + (broken is null ? "" : $" {broken}")));
        if (broken is not null) return Tables.Show(new(Urgency.Failing, broken));
        if (Those(Urgency.Warning) is { } warned) return Tables.Show(new(Urgency.Warning, $"{warned.Text} should be looked at."));
        if (sample.Stores.Any(static store => store.At is null)) return Tables.Show(new(Urgency.Held, "A store was not looked at yet."));
        return Tables.Show(Those(Urgency.Held) is { } held
            ? new(Urgency.Held, $"{held.Text} {(held.Count == 1 ? "is" : "are")} held. Everything else works.")
            : new(Urgency.Fine, "Everything works."));

        (string Text, int Count)? Those(Urgency urgency)
        {
            (string Kind, int Count)[] some = [.. all.Select(one => (one.Kind, one.Verdicts.Count(verdict => verdict.Urgency == urgency)))
                .Where(static one => one.Item2 > 0)];
            string[] texts = [.. some.Select(static one => Shown.Count(one.Count, one.Kind))];
            return texts.Length == 0 ? null
                : (texts.Length == 1 ? texts[0] : $"{string.Join(", ", texts[..^1])} and {texts[^1]}", some.Sum(static one => one.Count));
        }
    }
}
