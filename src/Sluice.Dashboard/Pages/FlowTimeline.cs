using Sluice.Diagnostics;
using Sluice.Flows;

namespace Sluice.Dashboard.Pages;

/// <summary>What the processors of a run did when: a strip for each, and the last periods as a table.</summary>
internal static class FlowTimeline
{
    private const int MaxPeriods = 100;

    /// <summary>The periods of a processor from the start of its run until its end, or until now.</summary>
    public static Markup Bars(ProcessorInfo processor, FlowRunInfo run, DateTimeOffset now)
    {
        double whole = Math.Max(1, ((run.EndedAt ?? now) - run.StartedAt).Ticks);
        double At(DateTimeOffset time) => (time - run.StartedAt).Ticks / whole;
        return Strip.Draw(processor.Periods.Select(period => Strip.Bar(ClassOf(processor, period), At(period.From), At(period.To ?? now), 0,
            10, Say(period))), 10, $"{VisibleText.Shorten(processor.Name, 60)} over time");
    }

    /// <summary>The last periods of all processors in which something ran or ended, the newest first.</summary>
    public static Markup Table(FlowRunInfo run, DateTimeOffset now) => Tables.Under("What happened", ["Processor", "Did", "Host", "From",
        ">For", "Note"],
        run.Processors.SelectMany(static one => one.Periods.Select(period => (one.Name, Period: period)))
            .Where(static one => one.Period.Kind != ProcessorPeriodKind.Waiting || one.Period.Note is not null)
            .OrderByDescending(static one => one.Period.From).Take(MaxPeriods).Select(one => (IReadOnlyList<Markup>)
        [
            Tables.Cell(VisibleText.Shorten(one.Name, 100)), Tables.Cell(Word(one.Period)),
            Tables.Cell(VisibleText.Shorten(one.Period.Host ?? "–", 60)), Shown.Time(one.Period.From),
            Tables.Cell(Shown.Span((one.Period.To ?? now) - one.Period.From)), Tables.Cell(VisibleText.Shorten(one.Period.Note ?? "", 300)),
        ]), "No processor has begun.");

    private static string Say(ProcessorPeriod period)
        => $"{Word(period)}{(period.Host is { } host ? $" at {VisibleText.Shorten(host, 60)}" : "")}"
            + (period.Note is { } note ? $", {VisibleText.Shorten(note, 200)}" : "");

    private static string Word(ProcessorPeriod period) => period.Kind switch
    {
        ProcessorPeriodKind.Waiting => "waited",
        ProcessorPeriodKind.Blocked => "was blocked",
        _ when period.Start > 1 => string.Create(CultureInfo.InvariantCulture, $"ran again, start {period.Start}"),
        _ => "ran",
    };

    private static string ClassOf(ProcessorInfo processor, ProcessorPeriod period)
        => processor.Status == FlowStatus.Failed && period == processor.Periods[^1] ? "failing" : period.Kind switch
        {
            ProcessorPeriodKind.Waiting => "waiting",
            ProcessorPeriodKind.Blocked => "blocked",
            _ when period.Start > 1 => "resumed",
            _ => "working",
        };
}
