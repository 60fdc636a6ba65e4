using System.Net;
using Microsoft.AspNetCore.Authorization;

namespace Sluice.Dashboard.Access;

/// <summary>Decides whether a request is answered: pages show payloads and change what is stored.</summary>
/// <remarks>
/// Without authorization, only browsers on this machine are answered, and only under its names: a page of another site cannot reach the
/// dashboard by a name that it lets point to this machine. Thread-safe.
/// </remarks>
internal sealed class AccessGuard(DashboardOptions options)
{
    private static readonly string[] OwnNames = ["localhost", "127.0.0.1", "[::1]"];
    private static readonly string[] ForwardingHeaders
        = ["Forwarded", "Via", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP"];
    private static readonly string[] ForwardingPrefixes = ["X-Forwarded-", "X-Original-"];

    /// <summary>Returns why a request is refused; null if it is not.</summary>
    public string? WhyNot(HttpContext context)
    {
        string host = context.Request.Host.Host;
        bool isOwnName = OwnNames.Contains(host, StringComparer.OrdinalIgnoreCase);
        bool isNamed = options.Hosts.Contains(host, StringComparer.OrdinalIgnoreCase);
        EndpointMetadataCollection? metadata = context.GetEndpoint()?.Metadata;
        bool isAuthorized = metadata?.GetMetadata<IAuthorizeData>() is not null && metadata.GetMetadata<IAllowAnonymous>() is null;
        bool mayBeRemote = isAuthorized || options.AllowRemoteWithoutAuthorization;
        if (!isOwnName && !isNamed && !(mayBeRemote && options.Hosts.Count == 0))
            return $"The dashboard is not asked for under the name '{VisibleText.Shorten(host, 60)}'. Use localhost, or add the name to "
                + "DashboardOptions.Hosts.";
        if (!mayBeRemote && !IsFromHere(context))
            return "The dashboard answers this machine only. To open it to others, require authorization: "
                + "app.MapSluice(\"/sluice\").RequireAuthorization(\"operators\").";
        return null;
    }

    /// <summary>Whether the user of a request may change something.</summary>
    public async ValueTask<bool> MayChangeAsync(HttpContext context)
    {
        if (options.ReadOnly) return false;
        if (options.OperatorPolicy is not { } policy) return true;
        if (context.RequestServices.GetService(typeof(IAuthorizationService)) is not IAuthorizationService authorization)
            throw new InvalidOperationException(
                $"DashboardOptions.OperatorPolicy is '{policy}', and the program has no authorization: call "
                    + "builder.Services.AddAuthorization.");
        return (await authorization.AuthorizeAsync(context.User, context, policy).ConfigureAwait(false)).Succeeded;
    }

    // A reverse proxy on this machine forwards requests of others. One that adds no header is not noticed.
    private static bool IsFromHere(HttpContext context)
        => !context.Request.Headers.Keys.Any(IsOfAProxy)
            && (context.Connection.RemoteIpAddress is { } address ? IPAddress.IsLoopback(address)
                : context.Connection.LocalIpAddress is null);            // no network: a test host, or a socket of this machine

    private static bool IsOfAProxy(string header) => ForwardingHeaders.Contains(header, StringComparer.OrdinalIgnoreCase)
        || Array.Exists(ForwardingPrefixes, prefix => header.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
}
