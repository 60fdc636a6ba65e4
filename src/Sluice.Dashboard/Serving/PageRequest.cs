using Microsoft.Extensions.DependencyInjection;
using Sluice.Dashboard.Access;
using Sluice.Flows;

namespace Sluice.Dashboard.Serving;

/// <summary>A request for a page, and what the page is made of.</summary>
/// <remarks>A drawing may outlive its request, so what it needs of the request is taken at once.</remarks>
/// <param name="Http">The request.</param>
/// <param name="Root">The address of the dashboard, without a slash at its end.</param>
/// <param name="Sample">Everything at the present look.</param>
/// <param name="Sampler">Gives the inspectors of stores.</param>
/// <param name="Options">The options.</param>
/// <param name="MayChange">Whether the user may change something.</param>
internal sealed record PageRequest(HttpContext Http, string Root, Sample Sample, Sampler Sampler, DashboardOptions Options, bool MayChange)
{
    private readonly IQueryCollection query = Http.Request.Query;

    /// <summary>Ends the drawing: the viewer has left, or waited for long enough.</summary>
    public CancellationToken Aborted { get; init; } = Http.RequestAborted;

    /// <summary>Whether only the parts that change are drawn, for a page that is open already.</summary>
    public bool IsUpdate { get; init; }

    /// <summary>The address of the page, with its query.</summary>
    public string Here { get; } = $"{Http.Request.PathBase}{SentPath.Of(Http, Http.Request.Path)}{Http.Request.QueryString}";

    /// <summary>The name in the address; empty if there is none.</summary>
    public string Name { get; } = PathName.Decode(Http.Request.RouteValues["name"] as string ?? "");

    /// <summary>The node in the address; empty if there is none.</summary>
    public string Node { get; } = PathName.Decode(Http.Request.RouteValues["node"] as string ?? "");

    /// <summary>The number in the address; empty if there is none.</summary>
    public string Number { get; } = Http.Request.RouteValues["number"] as string ?? "";

    /// <summary>Whether the program has a supervisor of <c>AddSluice</c>. Asking for it attaches it, so only a change does.</summary>
    public bool HasHostSupervisor { get; } = Http.RequestServices.GetService(typeof(IServiceProviderIsService))
        is IServiceProviderIsService known && known.IsService(typeof(Supervisor));

    /// <summary>The name of the store in the query; null for the first store.</summary>
    public string? StoreName => Query("store");

    /// <summary>The consecutor of the name in the address: the member that the query names, or else the first one; null if there is none.
    /// </summary>
    public ConsecutorSample? FindConsecutor() => Sample.Find(Name, StoreName, MemberName);

    /// <summary>The name of the member in the query; null if there is none.</summary>
    public string? MemberName => Query("member");

    /// <summary>A value in the query, the last one of several; null if it is missing or empty.</summary>
    public string? Query(string name) => query[name] is [.., { Length: > 0 } text] ? text : null;

    /// <summary>A number in the query; null if it is missing or empty.</summary>
    /// <exception cref="MissingException">It is no number.</exception>
    public long? QueryNumber(string name) => Query(name) is not { } text ? null
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number
        : throw new MissingException($"'{VisibleText.Shorten(text, 40)}' is no number of this page: write {name}=1, or leave it out.",
            StatusCodes.Status400BadRequest);

    /// <summary>Whether the query has a value, an empty one, too.</summary>
    public bool Has(string name) => query.ContainsKey(name);

    /// <summary>The address of a page about something in a store.</summary>
    public string Address(string kind, string name, StoreSource store, string more = "")
        => $"{Root}/{kind}/{PathName.Encode(name)}{more}{InStore(store)}";

    /// <summary>The address of a page about a consecutor: about this member, if the process has several.</summary>
    public string Address(ConsecutorSample one, string more = "")
    {
        string address = Address("consecutors", one.Name, one.Store, more);
        return one.Member is not { } member ? address
            : $"{address}{(address.Contains('?', StringComparison.Ordinal) ? '&' : '?')}member={Uri.EscapeDataString(member)}";
    }

    /// <summary>The query that names a store; empty where there is only one.</summary>
    public string InStore(StoreSource store, string joint = "?") => Sample.Stores.Count > 1 ? $"{joint}store={store.Name}" : "";

    /// <summary>A form with one button, or nothing for those who may not press it.</summary>
    /// <param name="action">The address that it posts to.</param>
    /// <param name="label">What the button says.</param>
    /// <param name="more">Fields of the form.</param>
    /// <param name="isDangerous">Whether it destroys something.</param>
    public Markup Button(string action, string label, Markup more = default, bool isDangerous = false)
    {
        if (!MayChange) return Markup.None;
        Markup danger = isDangerous ? Markup.Of($" class=\"danger\"") : Markup.None;
        return Markup.Of($"<form method=\"post\" action=\"{action}\">{TokenField}{more}<button{danger}>{label}</button></form>\n");
    }

    /// <summary>The hidden field that every form has.</summary>
    public static Markup TokenField { get; } = Markup.Of(
        $"<input type=\"hidden\" name=\"{FormTokens.Field}\" value=\"{FormTokens.Placeholder}\">");
}
