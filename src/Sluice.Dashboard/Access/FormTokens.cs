using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Sluice.Dashboard.Access;

/// <summary>
/// Tells forms of the dashboard from forms of other sites: a form carries a signature of a random cookie, which another site can neither
/// read nor make.
/// </summary>
/// <remarks>
/// Source: OWASP, Cross-Site Request Forgery Prevention, "Signed Double-Submit Cookie", with Fetch Metadata as a second fence. If the
/// program protects data, its keys sign the tokens, so that instances which share them take each other's forms. Otherwise the key lives as
/// long as the process: a form that was open during a restart has to be loaded again. So it is while the program's keys cannot be had: the
/// pages must not depend on their storage. Thread-safe.
/// </remarks>
/// <param name="protection">Protects the data of the program; null if it has none.</param>
internal sealed partial class FormTokens(IDataProtectionProvider? protection)
{
    public const string Field = "form-token";

    /// <summary>Stands in pages, which viewers share, for the token of each viewer. Nobody can guess it, so no data contains it.</summary>
    public static readonly string Placeholder = Convert.ToHexString(RandomNumberGenerator.GetBytes(32));

    private const string Cookie = "sluice-form";
    private const int CookieBytes = 32;

    private readonly IDataProtector? protector = protection?.CreateProtector("Sluice.Dashboard.Forms");
    private readonly byte[] key = RandomNumberGenerator.GetBytes(32);
    private volatile bool areKeysLost;

    /// <summary>Returns the token for the forms of an answer, and sets the cookie if the browser has none.</summary>
    public string Issue(HttpContext context, string path)
    {
        if (context.Request.Cookies[Cookie] is not { Length: CookieBytes * 2 } cookie)
        {
            cookie = Convert.ToHexString(RandomNumberGenerator.GetBytes(CookieBytes));
            context.Response.Cookies.Append(Cookie, cookie, new()
            {
                HttpOnly = true,
                // Not Strict: with a link from another site a browser would not send it, and a new one would void the forms of all tabs.
                SameSite = SameSiteMode.Lax,
                Secure = context.Request.IsHttps,
                Path = path.Length == 0 ? "/" : path,
                IsEssential = true,
            });
        }
        return Sign(cookie, context);
    }

    /// <summary>Whether a posted form is one of ours.</summary>
    public bool IsOurs(HttpContext context, IFormCollection form)
    {
        string site = context.Request.Headers["Sec-Fetch-Site"].ToString();
        if (site is not ("" or "same-origin" or "none")) return false;
        return context.Request.Cookies[Cookie] is { Length: CookieBytes * 2 } cookie
            && IsSigned(Encoding.ASCII.GetBytes(cookie), form[Field].ToString());
    }

    private string Sign(string cookie, HttpContext context)
    {
        byte[] text = Encoding.ASCII.GetBytes(cookie);
        try
        {
            if (protector is null) return Convert.ToHexString(HMACSHA256.HashData(key, text));
            string token = Convert.ToHexString(protector.Protect(text));
            areKeysLost = false;
            return token;
        }
        catch (Exception e) when (protector is not null)             // whatever the storage of the program's keys throws
        {
            if (!areKeysLost && context.RequestServices.GetService<ILoggerFactory>()?.CreateLogger("Sluice.Dashboard") is { } log)
                KeysLost(log, e.Message);
            areKeysLost = true;                      // told once
        }
        return Convert.ToHexString(HMACSHA256.HashData(key, text));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The keys of the program's data protection cannot be had, so other instances do not "
        + "take the forms of this one: {Why}")]
    private static partial void KeysLost(ILogger log, string why);

    private bool IsSigned(byte[] cookie, string token)
    {
        try
        {
            byte[] signed = Convert.FromHexString(token);
            return CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(key, cookie), signed)
                || (protector is not null && CryptographicOperations.FixedTimeEquals(cookie, protector.Unprotect(signed)));
        }
        catch (Exception)
        {
            return false;                            // no token, one of other keys, or the keys cannot be had
        }
    }
}
