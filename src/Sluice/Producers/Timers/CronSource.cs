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
    // A clock that is behind by more than this was wrong before. The source remembers nothing: it goes by the present time.
    private static readonly TimeSpan FarAhead = TimeSpan.FromDays(1);

    private DateTimeOffset? due, last;
    private DateTimeOffset soughtAt;

    protected override TimeSpan UntilDue
    {
        get
        {
            DateTimeOffset now = Time.GetUtcNow();
            if (now < soughtAt) Seek(now);           // the clock was set back: an earlier time may be the next one
            return due!.Value - now;
        }
    }

    protected override bool MoveNext()
    {
        last = due;
        Seek(Time.GetUtcNow());
        if (due is null && last is null)
            throw Failure(new InvalidOperationException($"The schedule '{schedule}' has no time in the future."));
        return due is not null;
    }

    private void Seek(DateTimeOffset now)
    {
        due = schedule.GetNext(last > now && last - now <= FarAhead ? last.Value : now, zone ?? Time.LocalTimeZone);
        soughtAt = now;
    }

    protected override ValueTask<DateTimeOffset> MakeAsync(CancellationToken cancellation) => new(due!.Value);
}
