using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Testing;

namespace Sluice.Tests.Engine;

/// <summary>Warnings without a handler go to the event source or to standard error, in a bounded number.</summary>
public class WarningsTests
{
    [Fact]
    public void StandardErrorGetsEachWarningOnceAndAtMost20PerMinute()
    {
        var clock = new TestClock();
        using var output = new StringWriter();
        var warnings = new Warnings(() => output, clock);
        for (int i = 0; i < 3; i++) warnings.Write("the store does not answer");
        for (int i = 0; i < 100; i++) warnings.Write($"text {i}");
        string[] lines = output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(21, lines.Length);
        Assert.Equal("sluice: warning: the store does not answer", lines[0]);
        Assert.Contains("More than 20 warnings in a minute", lines[20]);
        clock.Advance(TimeSpan.FromMinutes(1));
        warnings.Write("another one");
        Assert.EndsWith($"sluice: warning: another one{Environment.NewLine}", output.ToString());
    }

    /// <summary>Warnings quote items, which come from outside: they must not move a terminal, or look like further warnings.</summary>
    [Fact]
    public void CharactersThatAreNotSeenAreShownByTheirCodes()
    {
        string? told = null;
        Warnings.Tell(text => told = text, "bad: 1\u001b[2J\r\nsluice: warning: forged\t\u202e\u0085 \u00e9\ud83d\ude00");
        Assert.Equal(@"bad: 1\u001b[2J\r\nsluice: warning: forged\t\u202e\u0085 " + "\u00e9\ud83d\ude00", told);
    }

    [Fact]
    public void AWarningToAClosedStandardErrorDoesNotThrow()
        => new Warnings(() => throw new ObjectDisposedException("stderr"), TimeProvider.System).Write("unheard");

    [Fact]
    public async Task ASupervisorWithoutAHandlerWarnsThroughTheEventSource()
    {
        using var listener = new WarningListener();
        await using var store = new MemoryStreamStore();
        await using (var supervisor = Supervisor.Attach(store, new() { Name = "warned" }))
        {
            var twice = new Processor("registered-twice") { Outputs = ["y"] };
            supervisor.Register(twice, () => Task.FromResult(1));
            supervisor.Register(twice, () => Task.FromResult(2));
        }
        Assert.Single(listener.Texts, text => text.Contains("registered-twice was registered before"));
    }

    [Fact]
    public async Task AThrowingHandlerIsReportedWithTheWarning()
    {
        using var listener = new WarningListener();
        await using var store = new MemoryStreamStore();
        await using (var supervisor = Supervisor.Attach(store,
            new() { OnWarning = _ => throw new InvalidOperationException("the log is closed") }))
        {
            var twice = new Processor("told-by-a-broken-log") { Outputs = ["y"] };
            supervisor.Register(twice, () => Task.FromResult(1));
            supervisor.Register(twice, () => Task.FromResult(2));
        }
        Assert.Single(listener.Texts, text => text.Contains("told-by-a-broken-log was registered before")
            && text.Contains("the log is closed"));
    }
}
