using Sluice.Dashboard.Pages;
using Sluice.Dashboard.Sampling;

namespace Sluice.Dashboard.Actions;

/// <summary>The forms of the dashboard, by their addresses.</summary>
internal static class DashboardActions
{
    private static readonly TimeSpan MaxDraining = TimeSpan.FromMinutes(10);

    public static IReadOnlyList<(string Path, DashboardAction Action)> All { get; } =
    [
        ("/consecutors/{name}/redrive", LetterActions.RedriveAsync),
        ("/consecutors/{name}/discard", LetterActions.DiscardAsync),
        ("/consecutors/{name}/edit", LetterActions.EditAsync),
        ("/consecutors/{name}/pause", static request => PauseAsync(request, isPaused: true)),
        ("/consecutors/{name}/resume", static request => PauseAsync(request, isPaused: false)),
        ("/consecutors/{name}/drain", request => ControlAsync(request, "Drain and stop", static local =>
        {
            // It may take as long as items in flight take: the page shows how far it is.
            _ = local.StopAsync(MaxDraining).ContinueWith(static stop => _ = stop.Exception, TaskScheduler.Default);
            return "stopping";
        })),
        ("/flows/{name}/cancel", FlowActions.CancelAsync),
        ("/flows/{name}/again", FlowActions.StartAgainAsync),
    ];

    private static async Task<ActionOutcome> ControlAsync(ActionRequest request, string what, Func<IConsecutor, string> control)
    {
        ConsecutorSample one = ConsecutorPage.Find(request.Page);
        if (one.Local is not { } local)
            throw new Serving.MissingException($"{one.Name} is not in this process, so it cannot be controlled from here. Open the "
                + "dashboard of a process that runs it.");
        await request.AuditAsync(one.Store, $"{what} the consecutor {one.Name}", _ => Task.FromResult(control(local)))
            .ConfigureAwait(false);
        return ActionOutcome.GoTo(request.Page.Address("consecutors", one.Name, one.Store));
    }
}
