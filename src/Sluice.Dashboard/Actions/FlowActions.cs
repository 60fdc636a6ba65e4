using System.Security.Cryptography;
using Sluice.Dashboard.Pages;
using Sluice.Diagnostics;
using Sluice.Flows;

namespace Sluice.Dashboard.Actions;

/// <summary>Cancels runs of flows, and starts those that have ended again.</summary>
internal static class FlowActions
{
    private const int MaxId = 64;

    /// <summary>Whether this program has a supervisor for the runs of a store.</summary>
    public static bool CanChange(PageRequest request, StoreSource store)
        => request.HasHostSupervisor || Given(request, store).Any();

    public static async Task<ActionOutcome> CancelAsync(ActionRequest request)
    {
        string run = request.Page.Name;
        StoreSample store = request.Page.Sample.FindStore(request.Page.StoreName)
            ?? throw new MissingException("There is no such store here.");
        string why = $"cancelled by {request.Who} on the dashboard";
        bool isFound = await AnyAsync(request, store.Store, $"Cancel the run {run}", "cancelled",
            supervisor => supervisor.CancelAsync(run, why)).ConfigureAwait(false);
        return isFound ? ActionOutcome.GoTo(request.Page.Address("flows", run, store.Store))
            : throw new MissingException($"No supervisor of this dashboard knows the run {VisibleText.Shorten(run, 100)}.");
    }

    /// <summary>Asks for the id of the new run, then starts it. A form that is posted twice starts one run: it has one id.</summary>
    public static async Task<ActionOutcome> StartAgainAsync(ActionRequest request)
    {
        (StoreSample store, FlowRunInfo run) = await FlowPage.FindAsync(request.Page).ConfigureAwait(false);
        if (request.Field("run") is not { } id) return Ask(request, store.Store, run);
        try
        {
            bool isFound = await AnyAsync(request, store.Store, $"Start the run {run.Run} again as {id}", "started",
                supervisor => supervisor.StartAgainAsync(run.Run, id)).ConfigureAwait(false);
            return isFound ? ActionOutcome.GoTo(request.Page.Address("flows", id, store.Store))
                : throw new MissingException($"No supervisor of this dashboard knows the run {VisibleText.Shorten(run.Run, 100)}.");
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException and not ObjectDisposedException)
        {
            throw new MissingException(e is ArgumentException { ParamName: { } name }
                ? e.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal) : e.Message);
        }
    }

    private static ActionOutcome Ask(ActionRequest request, StoreSource store, FlowRunInfo run)
    {
        string inputs = string.Join(", ", run.Streams.Where(static one => one.IsInput)
            .Select(static one => $"{one.Name} ({Shown.Count(one.Written, "value")})"));
        Markup fields = Markup.Of($"<label>Id of the new run <input name=\"run\" value=\"{Markup.Value(Suggest(run.Run))}\" maxlength=\"{MaxId
            .ToString(CultureInfo.InvariantCulture)}\" required></label>");
        return ActionOutcome.Show(new($"Start {VisibleText.Shorten(run.Run, 100)} again?",
        [
            new("question", Markup.Of($"""
                <p>A new run begins with the same processors and the same inputs: {(inputs.Length == 0 ? "none"
                    : VisibleText.Shorten(inputs, 500))}. The run {VisibleText.Shorten(run.Run, 100)} stays as it is.</p>
                <div class="actions">{request.Page.Button(request.Page.Address("flows", run.Run, store, "/again"), "Start", fields)}
                <a href="{request.Page.Address("flows", run.Run, store)}">Cancel</a></div>
                """), IsLive: false),
        ])
        { Place = Place.Flows, Above = [("Flows", $"{request.Page.Root}/flows")] });
    }

    // The end tells runs apart that were started again from one.
    private static string Suggest(string run)
    {
        string end = $"-again-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3))}";
        return run[..Math.Min(run.Length, MaxId - end.Length)] + end;
    }

    /// <summary>Does something with the first supervisor that knows the run.</summary>
    private static async Task<bool> AnyAsync(ActionRequest request, StoreSource store, string what, string done,
        Func<Supervisor, Task<bool>> change)
    {
        Supervisor[] all = [.. Given(request.Page, store)];
        if (all.Length == 0 && request.Page.HasHostSupervisor
            && request.Page.Http.RequestServices.GetService(typeof(Supervisor)) is Supervisor host && Has(host, request.Page, store))
            all = [host];
        bool isFound = false;
        await request.AuditAsync(store, what, async _ =>
        {
            foreach (Supervisor supervisor in all)
                if (isFound = await change(supervisor).ConfigureAwait(false)) return done;
            return "there is no such run";
        }).ConfigureAwait(false);
        return isFound;
    }

    private static IEnumerable<Supervisor> Given(PageRequest request, StoreSource store)
        => request.Options.Supervisors.Where(one => Has(one, request, store));

    // Runs of two stores may have one id. Where only one store is shown, a supervisor may have it in a wrapper.
    private static bool Has(Supervisor supervisor, PageRequest request, StoreSource store)
        => ReferenceEquals(supervisor.Store, store.Store) || request.Sample.Stores.Count == 1;
}
