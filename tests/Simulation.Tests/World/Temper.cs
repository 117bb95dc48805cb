namespace Framelease.Simulation.Tests.World;

/// <summary>How a worker behaves.</summary>
/// <param name="IsZombie">Never stops: uses its device and goes on writing, whatever it is told.</param>
/// <param name="StandsStill">For so long it beats, and nothing moves.</param>
sealed record Temper(TimeSpan Work, bool IsZombie, TimeSpan StandsStill, bool Fails);
