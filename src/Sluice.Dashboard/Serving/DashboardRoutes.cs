using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Sluice.Dashboard.Access;
using Sluice.Dashboard.Actions;
using Sluice.Dashboard.Pages;

namespace Sluice.Dashboard.Serving;

/// <summary>The addresses of the dashboard, and what each leads to.</summary>
internal sealed class DashboardRoutes
{
    private static readonly string[] Reading = [HttpMethods.Get, HttpMethods.Head];

    private readonly string root;
    private readonly PageEndpoint pages;
    private readonly ActionEndpoint actions;
    private readonly SafeAnswers answers;

    /// <param name="root">The prefix of the addresses.</param>
    /// <param name="options">The options.</param>
    /// <param name="host">Finds what the program has registered.</param>
    /// <param name="tokens">Makes and checks the tokens of forms.</param>
    /// <param name="started">Cancelled when the program has started.</param>
    /// <param name="stopping">Cancelled when the program stops.</param>
    public DashboardRoutes(string root, DashboardOptions options, HostParts host, FormTokens tokens, CancellationToken started,
        CancellationToken stopping)
    {
        this.root = root;
        var recorders = new GraphRecorders(options, host.Graphs);
        started.Register(() => recorders.Find());
        stopping.Register(recorders.Dispose);
        var steps = new ScopeRecorders(options);
        stopping.Register(steps.Dispose);
        var sampler = new Sampler(options, host, recorders, steps);
        var guard = new AccessGuard(options);
        answers = new(guard);
        pages = new(options, sampler, guard, tokens, new(options, stopping));
        actions = new(options, sampler, guard, tokens, pages, stopping);
    }

    public void Map(RouteGroupBuilder group)
    {
        Page(group, "", OverviewPage.DrawAsync);
        Page(group, "/consecutors/{name}", ConsecutorPage.DrawAsync);
        Page(group, "/consecutors/{name}/dead", LettersPage.DrawAsync);
        Page(group, "/consecutors/{name}/dead/{number:long}", LetterPage.DrawAsync);
        Page(group, "/consecutors/{name}/state", StatePage.DrawAsync);
        Page(group, "/consecutors/{name}/nodes/{node}", NodePage.DrawAsync);
        Page(group, "/runs/{name}", RunPage.DrawAsync);
        Page(group, "/runs/{name}/nodes/{node}", NodePage.DrawOfRunAsync);
        Page(group, "/graphs/{name}", GraphPage.DrawAsync);
        Page(group, "/steps/{name}", StepsPage.DrawAsync);
        Page(group, "/streams", StreamsPage.DrawAsync);
        Page(group, "/flows", FlowsPage.DrawAsync);
        Page(group, "/flows/{name}", FlowPage.DrawAsync);
        Page(group, "/audit", AuditPage.DrawAsync);
        group.MapMethods("/consecutors/{name}/dead.jsonl", Reading, answers.To(context => pages.AnswerRawAsync(context, root,
            LetterExport.WriteAsync)));
        foreach ((string path, DashboardAction action, string page) in DashboardActions.All)
        {
            group.MapPost(path, answers.To(context => actions.AnswerAsync(context, root, action)));
            string kind = path[..path.IndexOf("/{", StringComparison.Ordinal)];
            group.MapMethods(path, Reading, answers.To(context => LeadTo(context, kind, page)));
        }
        group.MapMethods("/assets/{file}", Reading, answers.To(AssetFiles.AnswerAsync));
        // Without a prefix, the other addresses are the program's own.
        if (root.Length > 0) Page(group, "/{**rest}", static _ => throw new MissingException("The dashboard has no page of this address."));
    }

    // A question that was answered to a form has the address of the form: a browser that loads it again gets the page before.
    private Task LeadTo(HttpContext context, string kind, string page)
    {
        string name = PathName.Encode(PathName.Decode(context.Request.RouteValues["name"] as string ?? ""));
        string address = context.Request.PathBase.Add(root);
        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.Response.Headers.Location = $"{address}{kind}/{name}{page}{context.Request.QueryString.ToUriComponent()}";
        return Task.CompletedTask;
    }

    private void Page(RouteGroupBuilder group, string path, Func<PageRequest, ValueTask<Page>> draw)
        => group.MapMethods(path, Reading, answers.To(context => pages.AnswerAsync(context, root, draw)));
}
