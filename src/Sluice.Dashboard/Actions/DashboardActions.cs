using Sluice.Dashboard.Pages;

namespace Sluice.Dashboard.Actions;

/// <summary>The forms of the dashboard, by their addresses.</summary>
internal static class DashboardActions
{
    /// <summary>The addresses, what the forms do, and the page that a browser is led to which asks for the address itself.</summary>
    public static IReadOnlyList<(string Path, DashboardAction Action, string Page)> All { get; } =
    [
        ("/consecutors/{name}/redrive", LetterActions.RedriveAsync, "/dead"),
        ("/consecutors/{name}/discard", LetterActions.DiscardAsync, "/dead"),
        ("/consecutors/{name}/edit", LetterActions.EditAsync, "/dead"),
        ("/consecutors/{name}/pause", static request => HoldAsync(request, Hold.Pause), ""),
        ("/consecutors/{name}/resume", static request => HoldAsync(request, Hold.Resume), ""),
        ("/consecutors/{name}/drain", static request => HoldAsync(request, Hold.Drain), ""),
        ("/flows/{name}/cancel", FlowActions.CancelAsync, ""),
        ("/flows/{name}/again", FlowActions.StartAgainAsync, ""),
    ];

    // The pause is in the store, so this works for the consecutors of other processes.
    private static async Task<ActionOutcome> HoldAsync(ActionRequest request, Hold hold)
    {
        ConsecutorSample one = await ConsecutorPage.FindAsync(request.Page).ConfigureAwait(false);
        await request.AuditAsync(one.Store, $"{hold} the consecutor {one.Name}", async store =>
        {
            GroupInfo? before = await store.FindGroupAsync(one.Id).ConfigureAwait(false);
            IConsecutor? local = one.Snapshot?.Status is ConsecutorStatus.Running or ConsecutorStatus.Paused ? one.Local : null;
            await (hold switch
            {
                Hold.Drain => local?.DrainAsync() ?? store.DrainGroupAsync(one.Id).AsTask(),
                Hold.Pause => local?.PauseAsync() ?? store.PauseGroupAsync(one.Id, true).AsTask(),
                _ => local?.ResumeAsync() ?? store.PauseGroupAsync(one.Id, false).AsTask(),
            }).ConfigureAwait(false);
            return (hold, before) switch
            {
                (Hold.Resume, { IsDraining: true }) => "resumed: the drain is undone",
                (Hold.Resume, { IsPaused: true }) => "resumed",
                (Hold.Resume, _) => "it was not paused",
                (_, { IsDraining: true }) => "it was draining already",
                (Hold.Pause, { IsPaused: true }) => "it was paused already",
                (Hold.Pause, _) => "paused",
                (_, { Members.Count: 0 }) => "draining, and no process runs it",
                _ => "draining",
            };
        }).ConfigureAwait(false);
        return ActionOutcome.GoTo(request.Page.Address(one));
    }

    private enum Hold
    {
        Pause,
        Resume,
        Drain,
    }
}
