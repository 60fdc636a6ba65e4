using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Sluice.Dashboard.Actions;

/// <summary>What a user asks for with a form.</summary>
/// <remarks>An action goes on when its browser leaves, and then the request has no data any more: what the end of an action needs of it is
/// taken at once.</remarks>
/// <param name="Page">The request.</param>
/// <param name="Form">The fields.</param>
/// <param name="Stopping">Cancelled when the program stops: what takes many steps ends between two of them.</param>
internal sealed record ActionRequest(PageRequest Page, IFormCollection Form, CancellationToken Stopping)
{
    // A store that is for reading only may be behind the changes of others for so long.
    private static readonly TimeSpan MaxReadAge = TimeSpan.FromMilliseconds(300);

    private readonly ILogger? log = Page.Http.RequestServices.GetService<ILoggerFactory>()?.CreateLogger("Sluice.Dashboard");

    /// <summary>A field of the form; null if it is missing or empty.</summary>
    public string? Field(string name) => Form[name].ToString() is { Length: > 0 } text ? text : null;

    /// <summary>The user, for the audit.</summary>
    public string Who { get; } = Page.Http.User.Identity is { IsAuthenticated: true, Name: { } name } ? name
        : $"somebody at {Page.Http.Connection.RemoteIpAddress?.ToString() ?? "this machine"}";

    /// <summary>Does something, between two lines of the audit.</summary>
    /// <param name="source">The store of what is changed.</param>
    /// <param name="what">What is done, as a sentence.</param>
    /// <param name="work">Does it with the store that takes changes, and says what came of it.</param>
    public async Task AuditAsync(StoreSource source, string what, Func<IStreamStore, Task<string>> work)
    {
        // A file that no process has open is open for changes only while one is made: a service that starts finds it free.
        if (Page.Options.OpenToChange is { } open)
        {
            IStreamStore store = await open(source.Name, Page.Aborted).ConfigureAwait(false);
            // A loss that was noticed at this opening is told also if the action fails.
            string said = store.Loss is { } loss ? $"({loss}) {what}" : what;       // payloads come last
            await using (store.ConfigureAwait(false)) await AuditAsync(store, said, work).ConfigureAwait(false);
            await Task.Delay(MaxReadAge, Page.Options.Time).ConfigureAwait(false);       // the page that follows shows the change
        }
        else await AuditAsync(source.Store, what, work).ConfigureAwait(false);
    }

    private async Task AuditAsync(IStreamStore store, string what, Func<IStreamStore, Task<string>> work)
    {
        var action = Guid.NewGuid();
        try
        {
            await AuditLog.WriteAsync(store, Who, what, null, action).ConfigureAwait(false);
        }
        catch (StreamStoreException e)
        {
            // Who wants to make room in a full store has another way.
            throw new StreamStoreException($"Nothing was changed, because the audit could not be written: {e.Message} If the store is "
                + "full, sluice discard and sluice pause still work: they write no audit.", e)
            { IsPermanent = e.IsPermanent };
        }
        string outcome;
        try
        {
            outcome = await work(store).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            await EndAsync($"failed: {e.Message}").ConfigureAwait(false);
            throw;
        }
        await EndAsync(outcome).ConfigureAwait(false);

        Task EndAsync(string said) => AuditLog.WriteEndAsync(store, Who, what, said, action, log);
    }
}

/// <summary>What a form leads to: another page, or a page in its place.</summary>
internal sealed record ActionOutcome(string? Address, Html.Page? Page)
{
    public static ActionOutcome GoTo(string address) => new(address, null);

    public static ActionOutcome Show(Html.Page page) => new(null, page);
}

/// <summary>Does what a form asks for.</summary>
internal delegate Task<ActionOutcome> DashboardAction(ActionRequest request);
