using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;

namespace Sluice.Cli.Commands;

/// <summary>
/// Refuses requests without the token of the command, which only the user who has started it knows. Without the token, every user of
/// the machine could open the pages, which show payloads and change the store with the rights of the first user.
/// </summary>
/// <remarks>
/// The command prints an address with a random token. A browser that opens this address gets a cookie, and sends it with each
/// further request. Programs send the token as a bearer token. Source: the token of Jupyter Server. Thread-safe.
/// </remarks>
internal sealed class DashboardToken
{
    private const string Field = "token", Bearer = "Bearer ";

    private readonly string token = NewSecret(), session = NewSecret();

    /// <summary>An address, with the token.</summary>
    public string In(string address) => $"{address}?{Field}={token}";

    /// <summary>Answers a request itself if it has no token, or has it in its address; otherwise passes it on.</summary>
    public async Task AnswerAsync(HttpContext context, RequestDelegate next)
    {
        string cookie = string.Create(CultureInfo.InvariantCulture, $"sluice-dashboard-{context.Connection.LocalPort}");
        string method = context.Request.Method;
        if ((HttpMethods.IsGet(method) || HttpMethods.IsHead(method)) && Is(context.Request.Query[Field], token))
        {
            context.Response.Cookies.Append(cookie, session, new() { HttpOnly = true, SameSite = SameSiteMode.Lax, IsEssential = true });
            var others = new QueryBuilder(context.Request.Query.Where(static one => one.Key != Field));
            context.Response.Redirect(context.Request.Path + others.ToString());     // the token is not left in the address
        }
        else if (Is(context.Request.Cookies[cookie], session)
            || (context.Request.Headers.Authorization.ToString() is var given
                && given.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) && Is(given[Bearer.Length..], token)))
            await next(context).ConfigureAwait(false);
        else
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            context.Response.ContentType = "text/plain; charset=utf-8";
            await context.Response.WriteAsync("This dashboard answers only the user who has started it. Open the whole address that the "
                + "command sluice dashboard has printed: its end is the token.\n", context.RequestAborted).ConfigureAwait(false);
        }
    }

    private static string NewSecret() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    private static bool Is(string? given, string secret)
        => given is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(secret));
}
