using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Sluice.Diagnostics;

/// <summary>The meter and the activity source <c>Sluice</c>, and what all spans share.</summary>
/// <remarks>
/// Thread-safe. Listeners are user code on threads of runs and timers, where nothing would catch their exceptions: they become warnings.
/// A span is never current after these methods, unless they say so.
/// </remarks>
internal static class Telemetry
{
    internal static readonly ActivitySource Spans = new("Sluice", Version);
    internal static readonly Meter Meter = new("Sluice", Version);

    private static string Version => typeof(Telemetry).Assembly.GetName().Version?.ToString(3) ?? "";

    /// <summary>Whether a listener wants spans.</summary>
    public static bool IsTraced => Spans.HasListeners();

    /// <summary>Starts a span without making it current.</summary>
    /// <param name="operation">The kind of the span; it never changes.</param>
    /// <param name="name">The name that people see.</param>
    /// <param name="kind">Its kind for OpenTelemetry.</param>
    /// <param name="parent">Its parent; by default the current activity.</param>
    /// <param name="tags">Its attributes, for samplers too.</param>
    /// <param name="links">Spans of other traces or branches that it goes back to.</param>
    /// <returns>Null if no listener records it.</returns>
    public static Activity? Start(string operation, string? name = null, ActivityKind kind = ActivityKind.Internal,
        ActivityContext parent = default, IEnumerable<KeyValuePair<string, object?>>? tags = null,
        IEnumerable<ActivityLink>? links = null)
    {
        var outer = CurrentActivity.Note();
        Activity? created = null;
        try
        {
            // Started only if it is recorded: most spans of a program that samples few are not, and a start costs more than all before.
            created = Spans.CreateActivity(operation, kind, parent, tags, links);
            if (created is not { IsAllDataRequested: true } span) return null;
            if (name is not null) span.DisplayName = name;
            return span.Start();
        }
        catch (Exception e)
        {
            Report(e);
            if (created is not null) Discard(created);         // other listeners know of its start
            return null;
        }
        finally
        {
            outer.Restore();
        }
    }

    /// <summary>Ends a span, on any thread.</summary>
    public static void End(Activity span, Exception? failure = null, string? outcome = null)
    {
        var outer = CurrentActivity.Note();
        if (outcome is not null) span.SetTag(TelemetryNames.Outcome, outcome);
        if (failure is not null) Fail(span, TelemetryNames.ErrorOf(failure), FailureText.MessageOf(failure));
        try
        {
            span.Dispose();
        }
        catch (Exception e)
        {
            Report(e);
        }
        if (!outer.Is(span)) outer.Restore();
        else if (!ReferenceEquals(Activity.Current, span.Parent)) Activity.Current = span.Parent;
    }

    /// <summary>Marks a span as failed.</summary>
    public static void Fail(Activity span, string type, string? message)
        => span.SetTag(TelemetryNames.Error, type).SetStatus(ActivityStatusCode.Error, message);

    /// <summary>Ends a span of an operation that did not begin: nothing exports it.</summary>
    public static void Discard(Activity span)
    {
        span.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        span.IsAllDataRequested = false;
        End(span);
    }

    /// <summary>Calls instruments. A listener may throw.</summary>
    public static void Record<TState>(Action<TState> record, TState state)
    {
        try
        {
            record(state);
        }
        catch (Exception e)
        {
            Report(e);
        }
    }

    public static void Report(Exception failure)
        => Warnings.Tell($"A listener of the activity source or the meter 'Sluice' has thrown: {FailureText.MessageOf(failure)}");
}
