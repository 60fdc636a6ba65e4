using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>Who is answered, and who may change something.</summary>
public sealed class AccessTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    [Fact]
    public async Task AFormWithoutATokenOrWithThatOfAnotherViewerOrOfAnotherSiteChangesNothing()
    {
        Letters letters = await FillAsync();
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options());
        using Viewer mine = program.NewViewer(), other = program.NewViewer();
        string token = await mine.TokenAsync("/consecutors/orders/dead"), theirs = await other.TokenAsync("/consecutors/orders/dead");
        foreach (string path in (string[])["redrive", "discard", "edit", "pause", "resume", "drain"])
        {
            string address = $"/consecutors/orders/{path}";
            Assert.Equal(HttpStatusCode.Forbidden, (await mine.PostRawAsync(address, [("number", "1")])).Status);
            Assert.Equal(HttpStatusCode.Forbidden, (await mine.PostRawAsync(address, [("number", "1"), ("form-token", "")])).Status);
            Assert.Equal(HttpStatusCode.Forbidden, (await mine.PostRawAsync(address, [("number", "1"), ("form-token", theirs)])).Status);
            foreach (string site in (string[])["cross-site", "same-site", "CROSS-SITE"])
                Assert.Equal(HttpStatusCode.Forbidden, (await mine.PostRawAsync(address, [("number", "1"), ("form-token", token)],
                    ("Sec-Fetch-Site", site))).Status);
        }
        Assert.Equal(3, (await letters.ListAsync()).Count);
        Assert.Null(await store.FindStreamAsync("sluice-audit", Cancellation));

        Answer done = await mine.PostRawAsync("/consecutors/orders/discard", [("number", "1"), ("form-token", token)],
            ("Sec-Fetch-Site", "same-origin"));
        Assert.Equal(HttpStatusCode.SeeOther, done.Status);
        Assert.Equal(2, (await letters.ListAsync()).Count);
    }

    /// <summary>Several instances have one address: the page is of one of them, and the form goes to another.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AFormOfAnotherInstanceIsTakenIfTheInstancesShareTheirKeys(bool share)
    {
        Letters letters = await FillAsync();
        var keys = new EphemeralDataProtectionProvider();
        await using DashboardProgram one = await DashboardProgram.StartAsync(Options(), AddKeys),
            other = await DashboardProgram.StartAsync(Options(), AddKeys);
        using Viewer viewer = one.NewViewer(), stranger = one.NewViewer();
        string theirs = await stranger.TokenAsync("/consecutors/orders/dead");
        Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync(theirs)).Status);
        Answer answer = await PostAsync(await viewer.TokenAsync("/consecutors/orders/dead"));
        Assert.Equal(share ? HttpStatusCode.SeeOther : HttpStatusCode.Forbidden, answer.Status);
        if (!share) Assert.Contains("another instance of the program made the page", answer.Text, StringComparison.Ordinal);
        Assert.Equal(share ? 2 : 3, (await letters.ListAsync()).Count);

        void AddKeys(WebApplicationBuilder builder)
        {
            if (share) builder.Services.AddSingleton<IDataProtectionProvider>(keys);
        }

        // Cookies are not of a port.
        Task<Answer> PostAsync(string token) => viewer.SendAsync(new(HttpMethod.Post, other.Root + "/consecutors/orders/discard")
        {
            Content = new FormUrlEncodedContent([new("number", "1"), new("form-token", token)])
        });
    }

    /// <summary>The keys of the program may be in a database that is away. A viewer sees the pages all the same, and may act.</summary>
    [Fact]
    public async Task PagesAndFormsWorkWhileTheKeysOfTheProgramCannotBeHad()
    {
        Letters letters = await FillAsync();
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options(),
            static builder => builder.Services.AddSingleton<IDataProtectionProvider>(new LostKeys()));
        using Viewer viewer = program.NewViewer();
        string token = await viewer.TokenAsync("/consecutors/orders/dead");
        Assert.Equal(HttpStatusCode.Forbidden,
            (await viewer.PostRawAsync("/consecutors/orders/discard", [("number", "1"), ("form-token", "AB" + token)])).Status);
        Assert.Equal(HttpStatusCode.SeeOther,
            (await viewer.PostRawAsync("/consecutors/orders/discard", [("number", "1"), ("form-token", token)])).Status);
        Assert.Equal(2, (await letters.ListAsync()).Count);
    }

    /// <summary>A browser that follows a link of another site sends no Strict cookie, and a new one would void the forms of open
    /// tabs.</summary>
    [Fact]
    public async Task TheCookieOfFormsIsAlsoSentWithALinkFromAnotherSite()
    {
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options());
        using Viewer viewer = program.NewViewer();
        Assert.Contains("samesite=lax", (await viewer.GetAsync("")).Headers["Set-Cookie"], StringComparison.OrdinalIgnoreCase);
        Assert.False((await viewer.GetAsync("")).Headers.ContainsKey("Set-Cookie"));
    }

    [Fact]
    public async Task AReadOnlyDashboardHasNoButtonsAndRefusesForms()
    {
        Letters letters = await FillAsync();
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options() with { ReadOnly = true });
        using Viewer viewer = program.NewViewer();
        Assert.DoesNotContain("method=\"post\"", (await viewer.GetAsync("/consecutors/orders/dead")).Text, StringComparison.Ordinal);
        Assert.DoesNotContain("method=\"post\"", (await viewer.GetAsync("/consecutors/orders/dead/1")).Text, StringComparison.Ordinal);
        Answer refused = await viewer.PostRawAsync("/consecutors/orders/discard", [("number", "1")]);
        Assert.Equal(HttpStatusCode.Forbidden, refused.Status);
        Assert.Contains("changes nothing", refused.Text, StringComparison.Ordinal);
        Assert.Equal(3, (await letters.ListAsync()).Count);
    }

    [Fact]
    public async Task AReaderSeesPagesWithoutButtonsAndAnOperatorChanges()
    {
        Letters letters = await FillAsync();
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options() with { OperatorPolicy = "operators" },
            Users.Add, Users.Use, static endpoints => endpoints.RequireAuthorization());
        using Viewer nobody = program.NewViewer(), reader = program.NewViewer(("X-User", "ann"), ("X-Role", "reader")),
            operates = program.NewViewer(("X-User", "bob <b>"), ("X-Role", "operator"));
        Assert.Equal(HttpStatusCode.Unauthorized, (await nobody.GetAsync("")).Status);
        Answer seen = await reader.GetAsync("/consecutors/orders/dead/1");
        Assert.Equal(HttpStatusCode.OK, seen.Status);
        Assert.DoesNotContain("<button", seen.Text, StringComparison.Ordinal);
        Answer refused = await reader.PostRawAsync("/consecutors/orders/discard", [("number", "1")]);
        Assert.Equal((HttpStatusCode.Forbidden, true), (refused.Status, refused.Text.Contains("operators", StringComparison.Ordinal)));
        Assert.Equal(3, (await letters.ListAsync()).Count);

        const string page = "/consecutors/orders/dead/1";
        Assert.Equal(HttpStatusCode.SeeOther, (await operates.PostAsync("/consecutors/orders/discard", page, ("number", "1"))).Status);
        Assert.Equal(2, (await letters.ListAsync()).Count);
        Assert.Contains("bob &lt;b&gt;", (await reader.GetAsync("/audit")).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("evil.example", false)]
    [InlineData("localhost.evil.example", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("localhost", true)]
    [InlineData("LOCALHOST:5000", true)]
    [InlineData("ops.example.com", true)]
    public async Task OnlyNamesOfThisMachineAndOfTheOptionsAreAnswered(string host, bool isAnswered)
    {
        Letters letters = await FillAsync();
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options() with { Hosts = ["ops.example.com"] });
        using Viewer viewer = program.NewViewer(("Host", host)), own = program.NewViewer();
        Answer answer = await viewer.GetAsync("");
        Assert.Equal(isAnswered ? HttpStatusCode.OK : HttpStatusCode.Forbidden, answer.Status);
        if (!isAnswered) Assert.Contains("DashboardOptions.Hosts", answer.Text, StringComparison.Ordinal);
        string token = await own.TokenAsync("/consecutors/orders/dead");         // so that nothing but the name can be refused
        Answer posted = await own.PostRawAsync("/consecutors/orders/discard", [("number", "1"), ("form-token", token)], ("Host", host));
        Assert.Equal(isAnswered ? HttpStatusCode.SeeOther : HttpStatusCode.Forbidden, posted.Status);
        if (!isAnswered) Assert.Contains("DashboardOptions.Hosts", posted.Text, StringComparison.Ordinal);
        Assert.Equal(isAnswered ? 2 : 3, (await letters.ListAsync()).Count);
    }

    [Theory]
    [InlineData("ops.example.com:8080")]
    [InlineData("https://ops.example.com")]
    [InlineData("ops.example.com/")]
    [InlineData("::1")]
    [InlineData("[::1]:8080")]
    [InlineData("")]
    public async Task ANameWithWhichNoRequestCanComeIsRefused(string host)
    {
        ArgumentException refused = await Assert.ThrowsAsync<ArgumentException>(
            () => DashboardProgram.StartAsync(Options() with { Hosts = ["ops.example.com", host] }));
        Assert.Contains($"this one is '{host}'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnAddressOfVersionSixIsAName()
    {
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options() with { Hosts = ["[fe80::1]"] });
        using Viewer viewer = program.NewViewer(("Host", "[fe80::1]:8080"));
        Assert.Equal(HttpStatusCode.OK, (await viewer.GetAsync("")).Status);
    }

    /// <summary>Routes ignore case, and the paths of cookies do not.</summary>
    [Theory]
    [InlineData("/SLUICE/consecutors/a~1b%20c/dead?node=X%2Fy", "/sluice/consecutors/a~1b%20c/dead?node=X%2Fy")]
    [InlineData("/SLUICE/consecutors/50%2541", "/sluice/consecutors/50%2541")]
    [InlineData("/Sluice", "/sluice")]
    public async Task AnAddressInAnotherSpellingLeadsToTheOneOfTheCookie(string asked, string address)
    {
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options());
        using Viewer viewer = program.NewViewer();
        Answer answer = await viewer.SendAsync(new(HttpMethod.Get, program.Host + asked));
        Assert.Equal(HttpStatusCode.RedirectKeepVerb, answer.Status);
        Assert.Equal(address, answer.Headers["Location"]);
        Assert.False(answer.Headers.ContainsKey("Set-Cookie"));
    }

    [Theory]
    [InlineData("X-Forwarded-For")]
    [InlineData("Forwarded")]
    [InlineData("X-Real-IP")]
    [InlineData("X-Forwarded-Host")]
    [InlineData("x-forwarded-proto")]
    [InlineData("Via")]
    [InlineData("CF-Connecting-IP")]
    [InlineData("X-Original-For")]
    public async Task AForwardedRequestIsRefusedWithoutAuthorization(string header)
    {
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options());
        using Viewer viewer = program.NewViewer((header, "127.0.0.1"));
        Assert.Equal(HttpStatusCode.Forbidden, (await viewer.GetAsync("")).Status);
    }

    [Fact]
    public async Task AnotherMachineIsRefusedUntilAuthorizationIsRequired()
    {
        await using DashboardProgram closed = await DashboardProgram.StartAsync(Options(), use: FromAfar);
        using Viewer refused = closed.NewViewer();
        Answer answer = await refused.GetAsync("");
        Assert.Equal(HttpStatusCode.Forbidden, answer.Status);
        Assert.Contains("RequireAuthorization", answer.Text, StringComparison.Ordinal);

        await using DashboardProgram open = await DashboardProgram.StartAsync(Options(), Users.Add, static app =>
        {
            FromAfar(app);
            Users.Use(app);
        }, static endpoints => endpoints.RequireAuthorization());
        using Viewer ann = open.NewViewer(("X-User", "ann"), ("X-Role", "reader"), ("Host", "any.example"));
        Assert.Equal(HttpStatusCode.OK, (await ann.GetAsync("")).Status);
    }

    [Fact]
    public async Task AuthorizationThatAllowsAnybodyOpensNothing()
    {
        await using DashboardProgram program = await DashboardProgram.StartAsync(Options(), Users.Add, static app =>
        {
            FromAfar(app);
            Users.Use(app);
        }, static endpoints => endpoints.RequireAuthorization().AllowAnonymous());
        using Viewer nobody = program.NewViewer();
        Assert.Equal(HttpStatusCode.Forbidden, (await nobody.GetAsync("")).Status);
    }

    [Fact]
    public async Task ItCanBeOpenedToOtherMachinesWithoutAuthorization()
    {
        await using DashboardProgram program = await DashboardProgram.StartAsync(
            Options() with { AllowRemoteWithoutAuthorization = true, Hosts = ["ops.example.com"] }, use: FromAfar);
        using Viewer named = program.NewViewer(("Host", "ops.example.com")), other = program.NewViewer(("Host", "evil.example"));
        Assert.Equal(HttpStatusCode.OK, (await named.GetAsync("")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await other.GetAsync("")).Status);
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static void FromAfar(WebApplication app) => app.Use(static (context, next) =>
    {
        context.Connection.RemoteIpAddress = IPAddress.Parse("192.0.2.7");
        return next(context);
    });

    private DashboardOptions Options() => new() { Stores = new Dictionary<string, IStreamStore> { ["main"] = store } };

    private async Task<Letters> FillAsync()
    {
        var letters = new Letters(store);
        await letters.AddAsync("one", "two", "three");
        return letters;
    }

    private sealed class LostKeys : IDataProtectionProvider, IDataProtector
    {
        public IDataProtector CreateProtector(string purpose) => this;

        public byte[] Protect(byte[] plaintext) => throw new IOException("The keys are away.");

        public byte[] Unprotect(byte[] protectedData) => throw new IOException("The keys are away.");
    }
}
