using System.Diagnostics;

namespace Sluice.Diagnostics;

/// <summary>The current activity before a span, to make it current again.</summary>
/// <remarks>
/// <see cref="Activity.Current"/> refuses an activity that has stopped, such as the request in which a run was started. Without its
/// execution context, a span would stay current in the code behind it, and become the parent of all that follows.
/// </remarks>
internal readonly struct CurrentActivity
{
    private readonly Activity? activity;
    private readonly ExecutionContext? context;      // only if the activity has stopped

    private CurrentActivity(Activity? activity)
        => (this.activity, context) = (activity, activity is { IsStopped: true } ? ExecutionContext.Capture() : null);

    /// <summary>Notes the current activity.</summary>
    public static CurrentActivity Note() => new(Activity.Current);

    /// <summary>Whether it is this activity.</summary>
    public bool Is(Activity span) => ReferenceEquals(activity, span);

    /// <summary>Makes the noted activity current, also if it has stopped; none if it has stopped since then.</summary>
    public void Restore()
    {
        if (ReferenceEquals(Activity.Current, activity)) return;
        if (context is not null)
        {
            ExecutionContext.Restore(context);
            return;
        }
        Activity.Current = activity;
        if (!ReferenceEquals(Activity.Current, activity)) Activity.Current = null;
    }
}
