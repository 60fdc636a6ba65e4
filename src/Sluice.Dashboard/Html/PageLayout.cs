namespace Sluice.Dashboard.Html;

/// <summary>What is around every page: the head, the way through the pages, the foot.</summary>
internal static class PageLayout
{
    /// <summary>Draws a page.</summary>
    /// <param name="page">The page.</param>
    /// <param name="root">The address of the dashboard.</param>
    /// <param name="version">A version for the addresses of the assets, so that an older one in the browser's cache is not used.</param>
    /// <param name="foot">A line at the end.</param>
    public static string Draw(Page page, string root, string version, string foot) => Markup.Of($"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>{page.Title} · Sluice</title>
        <link rel="icon" href="{root}/assets/icon.svg?v={version}" type="image/svg+xml">
        <link rel="stylesheet" href="{root}/assets/dashboard.css?v={version}">
        <script type="module" src="{root}/assets/dashboard.js?v={version}"></script>
        </head>
        <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header>
        <nav aria-label="Pages"><a class="home" href="{Home(root)}">Sluice</a>{Links(root, page.Place)}</nav>
        <p id="connection" role="status"></p>
        </header>
        <main id="main"{(page.IsLive ? Markup.Of($" data-live") : Markup.None)}{(page.Silence is null ? Markup.None
            : Markup.Of($" data-silent"))}>
        {Trail(page, root)}
        <h1>{page.Title}</h1>
        <section id="{Page.SilenceId}" role="status">{page.Silence ?? Markup.None}</section>
        {page.Parts.Select(Draw)}
        </main>
        <footer><p>{foot}</p></footer>
        </body>
        </html>

        """).ToString();

    private static Markup Draw(PagePart part)
        => Markup.Of($"<section id=\"{part.Id}\"{(part.IsLive ? Markup.Of($" data-part") : Markup.None)}>{part.Content}</section>\n");

    // An empty address is the page that one is on.
    private static string Home(string root) => root.Length == 0 ? "/" : root;

    private static IEnumerable<Markup> Links(string root, Place place)
    {
        foreach ((Place one, string path) in ((Place, string)[])[(Place.Overview, Home(root)), (Place.Flows, $"{root}/flows"),
            (Place.Streams, $"{root}/streams"), (Place.Audit, $"{root}/audit")])
        {
            Markup current = one == place ? Markup.Of($" aria-current=\"page\"") : Markup.None;
            yield return Markup.Of($"<a href=\"{path}\"{current}>{one.ToString()}</a>");
        }
    }

    private static Markup Trail(Page page, string root) => page.Place != Place.None && page.Above.Count == 0 ? Markup.None : Markup.Of($"""
        <p class="trail"><a href="{Home(root)}">Overview</a>{page.Above.Select(static one => Markup.Of(
            $" › <a href=\"{one.Address}\">{one.Title}</a>"))}</p>
        """);
}
