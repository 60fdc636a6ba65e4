using Sluice.Pipelines;
using Sluice.Policies;

namespace Sluice.Producers;

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
