using System.Globalization;

namespace Sluice.Tests.Delivery;

/// <summary>Does what it is told: "set NAME SECONDS", "cancel NAME", "is NAME", "say TEXT", "forget".</summary>
internal sealed class Remote(Func<bool>? mended) : TimedStageNode<string, string, double>
{
    private readonly NamedOutput<string> many = new("many");

    protected override async ValueTask ProcessAsync(string item, Output<string> output, CancellationToken cancellation)
    {
        string[] words = item.Split(':')[1].Split(' ');
        State++;
        switch (words[0])
        {
            case "set": Timers.Set(TimeSpan.FromSeconds(int.Parse(words[2], CultureInfo.InvariantCulture)), words[1]); break;
            case "cancel": await output.PushAsync($"{Key}:cancelled {Timers.Cancel(words[1])}"); break;
            case "is": await output.PushAsync($"{Key}:{words[1]} is set: {Timers.IsSet(words[1])}"); break;
            case "say": await output.PushAsync($"{Key}:{words[1]}"); break;
            default: RemoveState(); break;
        }
    }

    protected override async ValueTask OnTimerAsync(string timer, Output<string> output, CancellationToken cancellation)
    {
        if (timer == "broken" && mended?.Invoke() != true)
        {
            State = -1;
            Timers.Set(TimeSpan.Zero, "never");
            await output.PushAsync("never");
            throw new InvalidOperationException("out of order");
        }
        if (timer == "forever")
        {
            Timers.Set(TimeSpan.Zero, timer);
            return;
        }
        if (timer == "nan") State = double.NaN;
        for (int i = 0; timer == "many" && i < 100; i++) await output.PushAsync(many, $"{Key}:{i}");
        await output.PushAsync($"{Key}:{timer}");
    }

    protected override ValueTask EndKeyAsync(Output<string> output, CancellationToken cancellation) => output.PushAsync($"{Key} has ended");
}

internal sealed class NoTimers : StatefulStageNode<string, string, double>
{
    protected override ValueTask ProcessAsync(string item, Output<string> output, CancellationToken cancellation) => default;
}
