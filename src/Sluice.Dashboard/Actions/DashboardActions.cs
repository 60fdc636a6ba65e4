using Sluice.Dashboard.Pages;
using Sluice.Dashboard.Sampling;

namespace Sluice.Dashboard.Actions;

/// <summary>The forms of the dashboard, by their addresses.</summary>
internal static class DashboardActions
{
    private static readonly TimeSpan MaxDraining = TimeSpan.FromMinutes(10);

    /// <summary>The addresses, what the forms do, and the page that a browser is led to which asks for the address itself.</summary>
    public static IReadOnlyList<(string Path, DashboardAction Action, string Page)> All { get; } =
    [
        ("/consecutors/{name}/redrive", LetterActions.RedriveAsync, "/dead"),
        ("/consecutors/{name}/discard", LetterActions.DiscardAsync, "/dead"),
        ("/consecutors/{name}/edit", LetterActions.EditAsync, "/dead"),
        ("/consecutors/{name}/pause", static request => PauseAsync(request, isPaused: true), ""),
        ("/consecutors/{name}/resume", static request => PauseAsync(request, isPaused: false), ""),
        ("/consecutors/{name}/drain", request => ControlAsync(request, "Drain and stop", static local =>
        {
            // It may take as long as items in flight take: the page shows how far it is.
            _ = local.StopAsync(MaxDraining).ContinueWith(static stop => _ = stop.Exception, TaskScheduler.Default);
            return "stopping";
        }), ""),
        ("/flows/{name}/cancel", FlowActions.CancelAsync, ""),
        ("/flows/{name}/again", FlowActions.StartAgainAsync, ""),
    ];

    // The pause is in the store, so this works for the consecutors of other processes.
    private static async Task<ActionOutcome> PauseAsync(ActionRequest request, bool isPaused)
    {
        ConsecutorSample one = ConsecutorPage.Find(request.Page);
        await request.AuditAsync(one.Store, $"{(isPaused ? "Pause" : "Resume")} the consecutor {one.Name}", async store =>
        {
            bool wasPaused = await store.FindGroupAsync(one.Id).ConfigureAwait(false) is { IsPaused: true };
            if (one is { Local: { } local, Snapshot.Status: ConsecutorStatus.Running or ConsecutorStatus.Paused })
                await (isPaused ? local.PauseAsync() : local.ResumeAsync()).ConfigureAwait(false);
            else await store.PauseGroupAsync(one.Id, isPaused).ConfigureAwait(false);
            return (isPaused, wasPaused) switch
            {
                (true, true) => "it was paused already",
                (true, false) => "paused",
                (false, true) => "resumed",
                _ => "it was not paused",
            };
        }).ConfigureAwait(false);
        return ActionOutcome.GoTo(request.Page.Address("consecutors", one.Name, one.Store));
    }

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
