using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Sluice.Hosting.Tests;

/// <summary>The section <c>Sluice</c> of the configuration: what it changes, and what it says about mistakes.</summary>
public class SettingsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SettingsHavePrecedenceOverTheCode()
    {
        using IHost host = Build([
            new("Sluice:Store", "memory"), new("Sluice:Consecutors:numbers:Delivery", "Replay 7"),
            new("Sluice:Consecutors:Numbers:MaxInFlight", "12"), new("Sluice:Consecutors:numbers:LeaseDuration", "00:01:30"),
            new("Sluice:Consecutors:numbers:Stream:Partitions", "3"), new("Sluice:Consecutors:numbers:InstanceId", "me")]);
        await host.StartAsync(Cancellation);
        var numbers = host.Services.GetRequiredService<Consecutor<int>>();
        await numbers.SendAsync(1, Cancellation);
        await numbers.WaitForIdleAsync(Cancellation);
        var store = host.Services.GetRequiredService<Storage.IStreamStore>();
        Storage.GroupInfo group = (await store.FindGroupAsync(new("numbers", "numbers"), Cancellation))!;
        Assert.Equal((3, "me", TimeSpan.FromSeconds(90)), (group.Partitions.Count, group.Members[0].Name, group.Members[0].LeaseDuration));
        await host.StopAsync(Cancellation);
    }

    /// <summary>.NET takes the second one for 24 days.</summary>
    [Theory]
    [InlineData("23:59:59", 23 * 3600 + 3599)]
    [InlineData("24:00:00", 24 * 3600)]
    [InlineData(" 24:00:00 ", 24 * 3600)]
    [InlineData("0000024:00:00", 24 * 3600)]
    [InlineData("36:10:30.5", 36 * 3600 + 630.5)]
    [InlineData("1.12:00:00", 36 * 3600)]
    [InlineData("2:00:00:00", 48 * 3600)]
    public async Task HoursMayBeMoreThanADay(string text, double seconds)
    {
        using IHost host = Build([new("Sluice:Store", "memory"), new("Sluice:Consecutors:numbers:LeaseDuration", text)]);
        await host.StartAsync(Cancellation);
        var store = host.Services.GetRequiredService<Storage.IStreamStore>();
        Assert.Equal(seconds, (await store.FindGroupAsync(new("numbers", "numbers"), Cancellation))!.Members[0].LeaseDuration.TotalSeconds);
        await host.StopAsync(Cancellation);
    }

    [Theory]
    [InlineData("Store", "orders.db", "Sluice:Store cannot be used. A store is written as sqlite:FILE, redis:HOST:PORT, "
        + "postgres:CONNECTION or memory; this")]
    [InlineData("Store", "sqlite:", "begins with 'sqlite:', and ends there")]
    [InlineData("Store", "mysql:here", "this text begins with 'mysql:'.")]
    [InlineData("Store", "mysql:here", "is written as sqlite:FILE, redis:HOST:PORT, postgres:CONNECTION or memory; this text "
        + "begins with 'mysql:'")]
    [InlineData("Store", "Host=db;Username=app;Password=s3cret;Root Certificate=C:\\certs\\ca.pem", "postgres:CONNECTION or memory; this "
        + "text begins with none of them. Write 'postgres:' before a connection string of PostgreSQL.")]
    [InlineData("Store", "Host=db;Password=s3cret", "has no scheme before a colon. Write 'postgres:' before")]
    [InlineData("Store", "cache,password=s3cret:xY9,ssl=true", "begins with none of them. Write 'redis:' before a connection string of")]
    [InlineData("Stor", "memory", "Sluice:Stor: there is no such setting; there are Consecutors, Health, LogPayloads, LogScopes,")]
    [InlineData("OnFailure", "Crash", "Sluice:OnFailure is 'Crash'; it must be one of StopHost, Degrade.")]
    [InlineData("Consecutors:nubmers:MaxInFlight", "1", "Sluice:Consecutors:nubmers is the name of no consecutor; there are numbers.")]
    [InlineData("Consecutors:numbers:MaxInflights", "1", "numbers:MaxInflights: there is no such setting; there are CodeVersion,")]
    [InlineData("Consecutors:numbers:MaxInFlight", "many", "Sluice:Consecutors:numbers:MaxInFlight is 'many'; it must be a whole number.")]
    [InlineData("Consecutors:numbers:MaxInFlight", "0", "MaxInFlight is '0'; ")]
    [InlineData("Consecutors:numbers:MaxInFlight", "99999999999", "it must be a whole number.")]
    [InlineData("Consecutors:numbers:LeaseDuration", "30", "LeaseDuration is '30'; it must be a duration such as 00:00:30")]
    [InlineData("Consecutors:numbers:LeaseDuration", "24:60:00", "LeaseDuration is '24:60:00'; it must be a duration such as 00:00:30")]
    [InlineData("Consecutors:numbers:LeaseDuration", "-00:00:30", "LeaseDuration is '-00:00:30'; ")]
    [InlineData("Consecutors:numbers:CommitInterval", "100.00:00:00", "CommitInterval is '100.00:00:00'; ")]
    [InlineData("Consecutors:numbers:Delivery", "exactly once", "it must be none, confirm, 'track N' or 'replay N'.")]
    [InlineData("Consecutors:numbers:OnDamage", "1", "OnDamage is '1'; it must be one of Stop, DeadLetter.")]
    [InlineData("Consecutors:numbers:OnDamage", "+1", "OnDamage is '+1'; it must be one of Stop, DeadLetter.")]
    [InlineData("Consecutors:numbers:OnDamage", " 1", "OnDamage is ' 1'; it must be one of Stop, DeadLetter.")]
    [InlineData("Consecutors:numbers:OnDamage", "Stop,DeadLetter", "OnDamage is 'Stop,DeadLetter'; it must be one of Stop, DeadLetter.")]
    [InlineData("Consecutors:numbers:Stream:Partitions", "5000", "Sluice:Consecutors:numbers:Stream:Partitions is '5000'; ")]
    [InlineData("Consecutors:numbers:Stream:Partition", "5", "Stream:Partition: there is no such setting; there are MaxBytes,")]
    [InlineData("Consecutors:numbers:Run:RecordTimings", "yes", "Run:RecordTimings is 'yes'; it must be true or false.")]
    [InlineData("Consecutors:numbers:InstanceId", "a\u0001b", "InstanceId is 'a\u0001b'; ")]
    [InlineData("Supervisor:LeaseDuration", "soon", "Sluice:Supervisor:LeaseDuration is 'soon'; it must be a duration")]
    [InlineData("Supervisor:Nmae", "a", "Sluice:Supervisor:Nmae: there is no such setting; there are LeaseDuration,")]
    [InlineData("Health:MaxBacklog", "-1", "Sluice:Health:MaxBacklog is '-1'; ")]
    [InlineData("Health:MaxBacklog", "1e6", "Sluice:Health:MaxBacklog is '1e6'; it must be a whole number.")]
    [InlineData("Health:StoreTimeout", "00:00:00", "Sluice:Health:StoreTimeout is '00:00:00'; ")]
    [InlineData("Health:MaxStalledDuration", "5m", "Sluice:Health:MaxStalledDuration is '5m'; it must be a duration such as 00:00:30")]
    [InlineData("Health:MaxGrowingDuration", "-00:01:00", "Sluice:Health:MaxGrowingDuration is '-00:01:00'; ")]
    [InlineData("Health:MaxAge", "00:01:00", "Sluice:Health:MaxAge: there is no such setting; there are MaxBacklog,")]
    [InlineData("Health", "5", "Sluice:Health is '5'; it is a section with settings of its own.")]
    [InlineData("Consecutors:numbers", "5", "Sluice:Consecutors:numbers is '5'; it is a section with settings of its own.")]
    [InlineData("Store:Name", "memory", "Sluice:Store is a section; it must be a single value.")]
    [InlineData("LogScopes", "on", "Sluice:LogScopes is 'on'; it must be true or false.")]
    public async Task AMistakeStopsTheStartWithOneLine(string setting, string value, string line)
    {
        using IHost host = Build([new($"Sluice:{setting}", value)]);
        var mistake = await Assert.ThrowsAsync<SettingsException>(() => host.StartAsync(Cancellation));
        string only = Assert.Single(mistake.Mistakes);
        Assert.Contains(line, only, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', only);
        Assert.DoesNotContain("s3cret", only, StringComparison.Ordinal);
        Assert.Equal(mistake.Message, mistake.ToString());
    }

    [Fact]
    public async Task AStoreInPlaceOfTheSectionIsNotShown()
    {
        using IHost host = Build([new("Sluice", "redis:cache:6379,password=s3cret")]);
        var mistake = await Assert.ThrowsAsync<SettingsException>(() => host.StartAsync(Cancellation));
        Assert.Equal("Sluice is a section with settings of its own, such as Sluice:Store; it is a text.", Assert.Single(mistake.Mistakes));
    }

    [Theory]
    [InlineData("Consecutors:numbers:OnDamage", " deadletter ")]
    [InlineData("Consecutors:numbers:LeaseDuration", "\t00:00:30")]
    public async Task BlanksAroundAValueAreNoMistake(string setting, string value)
    {
        using IHost host = Build([new($"Sluice:{setting}", value)]);
        await host.StartAsync(Cancellation);
        await host.StopAsync(Cancellation);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AConsecutorWithAColonInItsNameHasNoSettings(bool hasOther)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Configuration.AddInMemoryCollection([new("Sluice:Consecutors:eu:orders:MaxInFlight", "5")]);
        SluiceBuilder sluice = builder.Services.AddSluice();
        sluice.AddConsecutor<int>("eu:orders", static (_, source) => source | (static _ => { }));
        if (hasOther) sluice.AddConsecutor<long>("eu", static (_, source) => source | (static _ => { }));
        using IHost host = builder.Build();
        var mistake = await Assert.ThrowsAsync<SettingsException>(() => host.StartAsync(Cancellation));
        Assert.Equal("Sluice:Consecutors:eu:orders cannot be read: a colon in the name of a consecutor divides sections. Give the "
            + "consecutor a name without a colon, or set its options in the code.", mistake.Mistakes[^1]);
        Assert.Equal(hasOther ? 2 : 1, mistake.Mistakes.Count);
    }

    [Fact]
    public async Task AllMistakesAreReportedTogether()
    {
        using IHost host = Build([new("Sluice:Health:MaxBacklog", "?"), new("Sluice:Consecutors:numbers:MaxInFlight", "?"),
            new("Sluice:X", "1")]);
        var mistake = await Assert.ThrowsAsync<SettingsException>(() => host.StartAsync(Cancellation));
        Assert.Equal(3, mistake.Mistakes.Count);
    }

    [Fact]
    public async Task AnOutputThatLeadsNowhereIsNamed()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddSluice().AddConsecutor<int>("numbers", static (_, source) => source | Sink.Output<int>("all"))
            .AddOutput<int>("numbers", "all", "nowhere");
        using IHost host = builder.Build();
        var mistake = await Assert.ThrowsAnyAsync<InvalidOperationException>(() => host.StartAsync(Cancellation));
        Assert.Equal("The output numbers.all leads to the consecutor 'nowhere', which was not added: there are numbers.", mistake.Message);
    }

    private static IHost Build(KeyValuePair<string, string?>[] settings)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Configuration.AddInMemoryCollection(settings);
        builder.Services.AddSluice().AddConsecutor<int>("numbers", static (_, source) => source | (static _ => { }));
        return builder.Build();
    }
}
