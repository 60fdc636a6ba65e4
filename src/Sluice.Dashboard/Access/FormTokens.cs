using System.Security.Cryptography;
using System.Text;

namespace Sluice.Dashboard.Access;

/// <summary>
/// Tells forms of the dashboard from forms of other sites: a form carries a signature of a random cookie, which another site can neither
/// read nor make.
/// </summary>
/// <remarks>
/// Source: OWASP, Cross-Site Request Forgery Prevention, "Signed Double-Submit Cookie", with Fetch Metadata as a second fence. The key
/// lives as long as the process: a form that was open during a restart has to be loaded again. Thread-safe.
/// </remarks>
internal sealed class FormTokens
{
    public const string Field = "form-token";

    /// <summary>Stands in pages, which viewers share, for the token of each viewer. Nobody can guess it, so no data contains it.</summary>
    public static readonly string Placeholder = Convert.ToHexString(RandomNumberGenerator.GetBytes(32));

    private const string Cookie = "sluice-form";
    private const int CookieBytes = 32;

    private readonly byte[] key = RandomNumberGenerator.GetBytes(32);

    /// <summary>Returns the token for the forms of an answer, and sets the cookie if the browser has none.</summary>
    public string Issue(HttpContext context, string path)
    {
        if (context.Request.Cookies[Cookie] is not { Length: CookieBytes * 2 } cookie)
        {
            cookie = Convert.ToHexString(RandomNumberGenerator.GetBytes(CookieBytes));
            context.Response.Cookies.Append(Cookie, cookie, new()
            {
                HttpOnly = true,
                SameSite = SameSiteMode.Strict,
                Secure = context.Request.IsHttps,
                Path = path.Length == 0 ? "/" : path,
                IsEssential = true,
            });
        }
        return Sign(cookie);
    }

    /// <summary>Whether a posted form is one of ours.</summary>
    public bool IsOurs(HttpContext context, IFormCollection form)
    {
        string site = context.Request.Headers["Sec-Fetch-Site"].ToString();
        if (site is not ("" or "same-origin" or "none")) return false;
        return context.Request.Cookies[Cookie] is { Length: CookieBytes * 2 } cookie
            && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Sign(cookie)),
                Encoding.UTF8.GetBytes(form[Field].ToString()));
    }

    private string Sign(string cookie) => Convert.ToHexString(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(cookie)));
}
