namespace Sluice;

public static partial class Source
{
    /// <summary>The times of a schedule, each when it has come: <c>Source.Cron("0 */5 * * * *")</c> for every five minutes.</summary>
    /// <remarks>Times that pass before the start, or while the pipeline has no time, are skipped.</remarks>
    /// <param name="expression">Five or six fields; see <see cref="CronSchedule"/>.</param>
    /// <param name="zone">The time zone in which they are meant; the local one of the run's clock when null.</param>
    /// <exception cref="FormatException">The expression is not a schedule; the message says where and why.</exception>
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
