using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;

namespace Sluice.Cli.Commands;

/// <summary>
/// Lets in the browsers of the user who has started the command: every user of a machine reaches its ports, and the pages show payloads and
/// change the store with the rights of that user.
/// </summary>
/// <remarks>
/// The command prints an address with a random token. Who opens it gets the token as a cookie. Programs send it as a bearer token. Source:
/// the token of Jupyter Server. Thread-safe.
/// </remarks>
internal sealed class DashboardToken
{
    private const string Field = "token";

    private readonly string token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    /// <summary>An address, with the token.</summary>
    public string In(string address) => $"{address}?{Field}={token}";

    /// <summary>Answers a request itself if it has no token, or has it in its address; otherwise passes it on.</summary>
    public async Task AnswerAsync(HttpContext context, RequestDelegate next)
    {
        string cookie = string.Create(CultureInfo.InvariantCulture, $"sluice-dashboard-{context.Connection.LocalPort}");
        if (HttpMethods.IsGet(context.Request.Method) && IsOurs(context.Request.Query[Field]))
        {
            context.Response.Cookies.Append(cookie, token, new() { HttpOnly = true, SameSite = SameSiteMode.Lax, IsEssential = true });
            var others = new QueryBuilder(context.Request.Query.Where(static one => one.Key != Field));
            context.Response.Redirect(context.Request.Path + others.ToString());     // the token is not left in the address
        }
        else if (IsOurs(context.Request.Cookies[cookie])
            || (context.Request.Headers.Authorization.ToString() is ['B', 'e', 'a', 'r', 'e', 'r', ' ', .. var given] && IsOurs(given)))
            await next(context).ConfigureAwait(false);
        else
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            context.Response.ContentType = "text/plain; charset=utf-8";
            await context.Response.WriteAsync("This dashboard answers the user who has started it. Open the address that sluice dashboard "
                + "has printed, with its token.\n", context.RequestAborted).ConfigureAwait(false);
        }
    }

    private bool IsOurs(string? given)
        => given is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(token));
}
