using Sluice.Engine;
using Sluice.Pipelines;
using Sluice.Policies;
using Sluice.Producers;

namespace Sluice;

public static partial class Source
{
    /// <summary>
    /// A source of the times of a cron schedule, each when it has come: <c>Source.Cron("0 */5 * * * *")</c> fires every five minutes.
    /// </summary>
    /// <remarks>Times before the start are skipped, and so are times that pass while the pipeline is busy.</remarks>
    /// <param name="expression">Five or six fields; see <see cref="CronSchedule"/>.</param>
    /// <param name="zone">The time zone of the schedule; the local one of the run's clock if null.</param>
    /// <exception cref="FormatException">The expression is not a valid schedule; the message says where and why.</exception>
    public static Source<DateTimeOffset> Cron(string expression, TimeZoneInfo? zone = null)
        => new CronSource(CronSchedule.Parse(expression), zone, StageOptions.Default);
}

internal sealed class CronSource(CronSchedule schedule, TimeZoneInfo? zone, StageOptions options) : LeafSource<DateTimeOffset>(options)
{
    private protected override string Kind => "cron";

    private protected override Source<DateTimeOffset> With(StageOptions annotated) => new CronSource(schedule, zone, annotated);

    private protected override SourcePump<DateTimeOffset> Pump(StageContext context, Inlet<DateTimeOffset> next)
        => new CronPump(context, next, schedule, zone);
}

internal sealed class CronPump(StageContext context, Inlet<DateTimeOffset> next, CronSchedule schedule, TimeZoneInfo? zone)
    : TimedPump<DateTimeOffset>(context, next)
{
    private DateTimeOffset? due;

    protected override TimeSpan UntilDue => due!.Value - Time.GetUtcNow();

    protected override bool MoveNext()
    {
        DateTimeOffset now = Time.GetUtcNow();
        bool isFirst = due is null;
        due = schedule.GetNext(due > now ? due.Value : now, zone ?? Time.LocalTimeZone);
        if (due is null && isFirst) throw Failure(new InvalidOperationException($"The schedule '{schedule}' has no time in the future."));
        return due is not null;
    }

    protected override ValueTask<DateTimeOffset> MakeAsync(CancellationToken cancellation) => new(due!.Value);
}
